using Bal.Application;
using Bal.Domain.Metrics;
using Bal.Domain.Reports;
using Bal.Domain.Web;
using Bal.Infrastructure.Json;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// What the process that serves the page may ask: how bal is, and nothing that would change anything. Whatever else it
/// asks is refused, since it talks to strangers.
/// </summary>
/// <param name="reactor">The supervisor's thread.</param>
/// <param name="requests">Makes the reports.</param>
/// <param name="descriptors">How many file descriptors this process may have; infinite for no limit.</param>
internal sealed class WebAnswers(Reactor reactor, Requests requests, double descriptors)
{
    private const string Json = "application/json; charset=utf-8";
    private const string Explain = "explain ";
    private const string Page = "page ";

    /// <summary>Services of which the page keeps an hour of their own.</summary>
    public const int MostSampled = 100;

    /// <summary>Answers a request, once, on the supervisor's thread.</summary>
    public void Answer(string request, Action<WebAnswer> answer)
    {
        if (requests.IsReplaced())
        {
            answer(Text(503, "this bal has been replaced by 'bal upgrade'; ask again\n"));
            return;
        }

        switch (request)
        {
            case "status":
                requests.Report(report => answer(new(200, Json, StatusJson.Write(report))));
                break;
            case "metrics":
                requests.Report(report => Measure(report, answer));
                break;
            case "sample":
                requests.Report(report => answer(Text(200, string.Join(
                    '\n', HourSample.Of(report, MostSampled).Map(sample => sample.ToLine())))));
                break;
            case "ready" or "ready backends":
                requests.Ready(report => answer(Ready(report, request != "ready")));
                break;
            default:
                if (request.StartsWith(Explain, StringComparison.Ordinal))
                    requests.Answer(request, default, body => answer(new(200, Json, body)));
                else if (request.StartsWith(Page, StringComparison.Ordinal))
                    View(request[Page.Length..], answer);
                else
                    answer(Text(404, "not found\n"));
                break;
        }
    }

    private void View(string search, Action<WebAnswer> answer) => requests.Report(report => reactor.PostUrgent(
        new SupervisorInput.Look(view => answer(new(200, Json, PageJson.Write(
            PageView.Of(report, view.State, view.Clock, search), view.Clock.Wall))))));

    private static WebAnswer Ready(ReadyReport report, bool withBackends) =>
        report.WhyNot(withBackends, Arr<string>.Empty).Match(
            Some: why => Text(503, $"not ready: {why}\n"),
            None: () => Text(200, "ready\n"));

    // The text of thousands of backends takes longer than the supervisor should be away.
    private void Measure(StatusReport report, Action<WebAnswer> answer)
    {
        void Work()
        {
            var text = MetricsText.Of(new(report, OwnFigures.Read(descriptors)));
            var made = new WebAnswer(200, MetricsText.ContentType, text);
            reactor.PostFromOutside(new SupervisorInput.Call(() => answer(made)), Urgency.Request);
        }

        if (!Worker.TryStart("bal-metrics", Work))
            Work();
    }

    private static WebAnswer Text(int status, string text) =>
        new(status, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text));
}
