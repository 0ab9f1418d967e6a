-- Copyright (C) nginx AI edge contributors
-- SPDX-License-Identifier: BSD-2-Clause
--
-- paths.lua FORMAT N: GETs of FORMAT filled with a number below N, far apart
-- one after the other so that neighbours do not share what the cache holds.

dofile((debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
       .. "report.lua")

function init(args)
    local n = tonumber(args[2])

    texts = {}
    wrk.headers["X-Tenant-Id"] = "bench"
    for i = 0, n - 1 do
        texts[i + 1] = wrk.format("GET", string.format(args[1], i * 7919 % n))
    end
    at = 0
end

function request()
    at = at % #texts + 1
    return texts[at]
end
