-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What wrk counted, as one line of JSON.
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"bad":%d,"p50":%.3f,"p99":%.3f,"max":%.3f,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000, e.connect, e.read, e.write, e.status, e.timeout))
end
