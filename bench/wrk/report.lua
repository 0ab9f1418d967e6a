-- Copyright (C) nginx AI edge contributors
-- SPDX-License-Identifier: BSD-2-Clause
--
-- Prints the run's result as one JSON object on wrk's last line.

function done(summary, latency, requests)
    local e = summary.errors

    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"errors":%d,"p50":%.1f,"p99":%.1f}\n',
        summary.requests, summary.duration / 1e6,
        e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
