# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The names people type.  Each target is one script; the scripts know how.
#
#   NGINX_SRC=/path   build against this nginx source tree (and build its
#                     binary too) instead of the distribution's nginx-dev
#   BUILD=debug       no optimisation, for a debugger (default: release)
#   CC=clang          another compiler, in an object directory of its own

AUX := build-aux

.DEFAULT_GOAL := build
.PHONY: build run test unit check e2e bench asan valgrind fuzz chaos matrix \
        image-check clean help

build: ## build build/ngx_http_edge_module.so
	@$(AUX)/deps build
	@$(AUX)/build

run: build ## start the quick start on 127.0.0.1:8080, in the foreground
	@$(AUX)/run

test: ## run the unit tests and every .t file
	@$(AUX)/deps build test
	@$(AUX)/test

unit: ## run the unit tests only: pure code, no nginx started
	@$(AUX)/deps build
	@$(AUX)/unit

check: ## check style, include direction, symbols, sizes, example files
	@$(AUX)/deps build
	@$(AUX)/check

e2e: build ## run against real engines, models and clients
	@$(AUX)/deps e2e
	@lua-free-tests/e2e/run

bench: build ## measure against bare nginx, side by side
	@$(AUX)/deps bench
	@bench/run

asan: ## run all tests with nginx and module under ASan and UBSan
	@$(AUX)/deps build test asan
	@$(AUX)/asan

valgrind: ## run every .t file once under valgrind
	@$(AUX)/deps build test valgrind
	@$(AUX)/valgrind

fuzz: ## fuzz every parser for T seconds each (default 60)
	@$(AUX)/deps build fuzz
	@T=$(T) $(AUX)/fuzz

chaos: ## kill dependencies under load, for CHAOS_SECONDS (default 60)
	@$(AUX)/deps build test bench
	@$(AUX)/chaos

matrix: ## run all tests with nginx, Redis, libraries of newer Debian suites
	@$(AUX)/deps image
	@$(AUX)/matrix

image-check: ## run the container's build steps in a chroot
	@$(AUX)/deps image
	@docker/check

clean: ## remove everything that was built (downloads too)
	@rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' \
	    $(firstword $(MAKEFILE_LIST))
