-- Copyright (C) nginx AI edge contributors
-- SPDX-License-Identifier: BSD-2-Clause
--
-- paths.lua FORMAT N [FILE]: GETs of FORMAT filled with a number below N, far
-- apart one after the other so that neighbours do not share what the cache
-- holds; each with the next bearer token of FILE, one a line.

dofile((debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
       .. "report.lua")

function init(args)
    local n = tonumber(args[2])
    local tokens = {}

    if args[3] then
        for token in io.lines(args[3]) do
            tokens[#tokens + 1] = token
        end
    end

    texts = {}
    wrk.headers["X-Tenant-Id"] = "bench"
    for i = 0, math.max(n, #tokens) - 1 do
        if args[3] then
            wrk.headers["Authorization"] =
                "Bearer " .. tokens[i % #tokens + 1]
        end
        texts[i + 1] = wrk.format("GET", string.format(args[1], i * 7919 % n))
    end
    at = 0
end

function request()
    at = at % #texts + 1
    return texts[at]
end
