-- Posts one body from a file, again and again, and prints the rate.  usage: wrk -s predict.lua URL -- FILE CONTENT_TYPE
function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method, wrk.body = "POST", file:read("*a")
  wrk.headers["Content-Type"] = args[2]
  file:close()
  request_bytes = wrk.format()
end

function request()
  return request_bytes
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("%.3f req/s; p50 %.0f us; p99 %.0f us; errors %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
