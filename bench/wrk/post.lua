-- Copyright (C) nginx AI edge contributors
-- SPDX-License-Identifier: BSD-2-Clause
--
-- post.lua FILE: each request is a POST of that file as JSON.

dofile((debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
       .. "report.lua")

function init(args)
    local file = assert(io.open(args[1], "rb"))

    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["X-Tenant-Id"] = "bench"
    file:close()

    request_text = wrk.format()
end

function request()
    return request_text
end
