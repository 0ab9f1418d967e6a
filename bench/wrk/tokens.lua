-- Copyright (C) nginx AI edge contributors
-- SPDX-License-Identifier: BSD-2-Clause
--
-- tokens.lua FILE: GETs with the bearer tokens of FILE, one a line, in turn.

dofile((debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
       .. "report.lua")

function init(args)
    texts = {}
    for token in io.lines(args[1]) do
        wrk.headers["Authorization"] = "Bearer " .. token
        texts[#texts + 1] = wrk.format("GET")
    end
    at = 0
end

function request()
    at = at % #texts + 1
    return texts[at]
end
