-- wrk's own report ends at the 99th percentile; a pause of a collector or a scheduler shows only beyond it.
function done(summary, latency, requests)
  io.write(string.format("beyond: p99=%d p99.9=%d max=%d us\n",
    latency:percentile(99), latency:percentile(99.9), latency.max))
end
