-- Copyright (C) nginx AI edge contributors
-- SPDX-License-Identifier: BSD-2-Clause
--
-- whole.lua FORMAT N FILE: GETs of FORMAT filled with a number below N, each
-- with the next bearer token of FILE, one a line.

dofile((debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
       .. "report.lua")

function init(args)
    local n = tonumber(args[2])
    local i = 0

    texts = {}
    for token in io.lines(args[3]) do
        wrk.headers["Authorization"] = "Bearer " .. token
        texts[#texts + 1] = wrk.format("GET", string.format(args[1], i % n))
        i = i + 1
    end
    at = 0
end

function request()
    at = at % #texts + 1
    return texts[at]
end
