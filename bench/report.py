"""The results of bench.py as a Markdown table and an SVG chart, and those of scale.py as a table."""

import math
import statistics

COLOURS = {"direct": "#9aa0a6", "haproxy": "#5b7fb5", "nginx": "#7bb08a", "bal-auto": "#c2552d", "bal-copy": "#dd9a6a",
           "bal-splice": "#8f3a1c"}


def number(value, digits=3):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.{digits}g}"


def ratio(summary, key, digits=2):
    low, high = summary[f"{key}_between"]
    text = f"{summary[key]:.{digits}f}"
    return text if low == high else f"{text} [{low:.2f}..{high:.2f}]"


def measured_on(results):
    """The machine and the versions of a run."""
    machine, versions = results["machine"], results["versions"]
    return (f"Linux {machine['kernel']}, {machine['cores']} cores (balancer on one, clients and backends on the other), "
            "medians; ratios to HAProxy of the same round, in brackets where the true median lies (95 %). "
            f"Congestion control of the machine: {machine['congestion']}.\n"
            f"{versions['haproxy']}; {versions['nginx']}; {versions['bal']}. "
            f"{machine['busy_before']:.0%} of the machine was busy with something else before the run.")


def table(results):
    lines = [measured_on(results), ""]
    for workload in results["workloads"].values():
        lines += [f"**{workload['title']}**, {len(workload['rounds'])} rounds of {workload['seconds']} s", "",
                  f"| target | {workload['rate_unit']} (min..max) | ratio | CPU {workload['cpu_unit']} | ratio | p99 ms (ratio) | p99.9 ms |",
                  "|---|---|---|---|---|---|---|"]
        for name, s in workload["summary"].items():
            cpu = (number(s["cpu"]), ratio(s, "cpu_ratio")) if "cpu" in s else ("", "")
            p99, p999 = ((f"{number(s['p99_ms'])} ({ratio(s, 'p99_ms_ratio')})", number(s["p999_ms"]))
                         if "p99_ms" in s else ("", ""))
            failed = f" ({s['failed']} failed)" if s["failed"] else ""
            lines.append(f"| {name}{failed} | {number(s['rate'])} ({number(s['rate_min'])}..{number(s['rate_max'])}) | "
                         f"{ratio(s, 'rate_ratio')} | {cpu[0]} | {cpu[1]} | {p99} | {p999} |")
        lines.append("")
    if results["idle"]:
        lines += ["**9,500 idle connections**", "", "| target | base RSS MB | user memory bytes each | CPU % |",
                  "|---|---|---|---|"]
        lines += [f"| {name} | {i['base_mb']:.1f} | {i['bytes_each']:.0f} | {i['cpu_percent']:.1f} |"
                  for name, i in results["idle"].items()] + [""]
    for name, c in results["churn"].items():
        first, last = c["samples"][0], c["samples"][-1]
        lines += [f"**{name}, {last['connections']:,} connections one after the other** (64 at a time): RSS "
                  f"{first['rss_mb']:.1f} MB after {first['connections']:,}, {last['rss_mb']:.1f} MB at the end, at most "
                  f"{max(x['rss_mb'] for x in c['samples']):.1f} MB; p99.9 of {len(c['samples'])} parts "
                  f"{statistics.median(x['p999_ms'] for x in c['samples']):.1f} ms "
                  f"({min(x['p999_ms'] for x in c['samples']):.1f}..{max(x['p999_ms'] for x in c['samples']):.1f}); "
                  f"{c['failed']} failed.", ""]
    return "\n".join(lines)


# What bal-auto is to reach, relative to HAProxy in the same round: throughput at least, CPU at most.
TARGETS = {"requests": (1.00, 0.92), "connections": (1.00, 0.95), "bulk1-up": (1.15, 0.55), "bulk1-down": (1.15, 0.55),
           "bulk8-up": (1.15, 0.55), "bulk8-down": (1.15, 0.55)}


def against_targets(results):
    """A row for each target: what is wanted, what was measured, and whether it holds."""
    def row(what, wanted, measured, holds):
        return f"| {what} | {wanted} | {measured} | {'holds' if holds else '**missed**'} |"

    lines = ["| bal-auto relative to HAProxy | wanted | measured: median [where the true one lies, 95 %] | |", "|---|---|---|---|"]
    for name, (rate, cpu) in TARGETS.items():
        if name not in results["workloads"]:
            continue
        workload = results["workloads"][name]
        s = workload["summary"]["bal-auto"]
        lines.append(row(f"{workload['title']}: throughput", f">= {rate:.2f}", ratio(s, "rate_ratio", 3),
                         s["rate_ratio"] >= rate))
        lines.append(row(f"{workload['title']}: CPU", f"<= {cpu:.2f}", ratio(s, "cpu_ratio", 3),
                         s["cpu_ratio"] <= cpu))
        if name == "requests":
            lines.append(row(f"{workload['title']}: p99", "<= 1.00", ratio(s, "p99_ms_ratio", 3),
                             s["p99_ms_ratio"] <= 1))
    if "bal-auto" in results["idle"]:
        i = results["idle"]["bal-auto"]
        lines.append(row("idle: user memory a connection", "<= 512 B", f"{i['bytes_each']:.0f} B",
                         i["bytes_each"] <= 512))
        lines.append(row("idle: base RSS", "<= 15 MB", f"{i['base_mb']:.1f} MB", i["base_mb"] <= 15))
        lines.append(row("idle: CPU", "0 %", f"{i['cpu_percent']:.1f} %", i["cpu_percent"] < 0.5))
    return "\n".join(lines) + "\n"


def chart(results):
    """Horizontal bars: throughput and CPU as ratios to HAProxy, a group for each workload."""
    rows, y = [], 64
    width, left, scale = 860, 300, 180
    for workload in results["workloads"].values():
        rows.append(f'<text x="16" y="{y}" font-weight="600">{workload["title"]}</text>')
        y += 12
        for name, s in workload["summary"].items():
            for kind, key in (("throughput", "rate_ratio"), ("CPU per unit", "cpu_ratio")):
                if key not in s:
                    continue
                length, fade = s[key] * scale, 1 if kind == "throughput" else 0.45
                rows.append(f'<text x="{left - 8}" y="{y + 9}" text-anchor="end" fill="#555">{name} {kind}</text>'
                            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="11" fill="{COLOURS[name]}" '
                            f'opacity="{fade}"/><text x="{left + length + 6:.1f}" y="{y + 9}">{s[key]:.2f}</text>')
                y += 14
        y += 22
    line = f'<line x1="{left + scale}" y1="44" x2="{left + scale}" y2="{y - 20}" stroke="#333" stroke-dasharray="3 3"/>'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" font-family="sans-serif" '
            f'font-size="11"><rect width="100%" height="100%" fill="#fff"/><text x="16" y="26" font-size="15">'
            f'Ratios to HAProxy (dashed line = 1): throughput, more is better; CPU per unit, less is better</text>'
            f'{line}{"".join(rows)}</svg>\n')


# What a figure of scale.py is called, and its unit.
SCALE_FIGURES = {
    "start": ("exec to the first answered connection", "s"), "cpu": ("CPU", "%"), "checks": ("checks made", "/s"),
    "rss": ("RSS", "MB"), "status": ("`status --json` (HAProxy: `show stat`)", "s"), "status_text": ("`status`", "s"),
    "reload": ("reload with one change", "s"), "stop": ("stop", "s"), "down": ("until status shows all down", "s"),
    "up": ("until status shows all up again", "s"), "status_quiet": ("slowest status before", "s"),
    "status_worst": ("slowest status meanwhile", "s"), "hup": ("SIGHUP until status shows the new configuration", "s"),
    "term": ("SIGTERM to the end of the process", "s"), "p99_quiet": ("p99 of clients of another service, before", "s"),
    "p99_storm": ("the same meanwhile", "s"), "p99_ratio": ("meanwhile / before", "x"),
    "refused": ("clients of it that were not served", ""),
}


def written(value, unit, limit):
    if isinstance(value, str) or not math.isfinite(value):
        return value if isinstance(value, str) else f"none in {limit:.0f} s" if math.isinf(value) else ""
    if unit == "s":
        return f"{value:.1f} s" if value >= 10 else f"{value * 1e3:,.{0 if value >= 0.01 else 1}f} ms"
    return {"": f"{value:.0f}", "%": f"{value:.2f} %", "MB": f"{value / 1e6:.1f} MB", "/s": f"{value:,.0f}/s",
            "x": f"{value:.2f}"}[unit]


def middle(values):
    """The median, or the first text that stands in the place of a figure."""
    texts = [value for value in values if isinstance(value, str)]
    return texts[0] if texts else statistics.median(values) if values else math.nan


def scale_row(title, key, bal, haproxy, limit):
    label, unit = SCALE_FIGURES[key]
    cells = [written(middle([sample[key] for sample in samples if key in sample]), unit, limit)
             for samples in (bal, haproxy)]
    pairs = [(ours[key], theirs[key]) for ours, theirs in zip(bal, haproxy) if key in ours and key in theirs]
    comparable = unit not in ("x", "") and not any(isinstance(value, str) for pair in pairs for value in pair)
    ratio = middle([ours / theirs for ours, theirs in pairs if theirs]) if comparable else math.nan
    cells.append(written(ratio, "x", limit) if math.isfinite(ratio) else "")
    return f"| {title} | {label} | {' | '.join(cells)} |"


def scale_table(cases, heading, limit):
    """The table of cases: title, and the samples of both balancers. Infinite is what took longer than the limit."""
    lines = [heading, "", "| | figure | bal | HAProxy | ratio |", "|---|---|---|---|---|"]
    for title, samples in cases:
        bal, haproxy = samples["bal"], samples["HAProxy"]
        keys = [key for key in SCALE_FIGURES if any(key in sample for sample in bal + haproxy)]
        lines += [scale_row(title if key == keys[0] else "", key, bal, haproxy, limit) for key in keys]
    return "\n".join(lines) + "\n"
