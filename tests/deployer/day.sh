#!/bin/sh
# A deployer's day: releases, two of which fail, a rename, a preview that comes and goes.
#
#   PROJECT=shop day.sh REPOSITORY HOST
#
# REPOSITORY has the tags good-1, good-2, good-3, sick (its health check fails) and mute (healthy, but
# it answers nobody).
set -eu
deploy() { sh "$(dirname "$0")/deploy.sh" "$@"; }
refused() {
  if deploy "$@"; then
    echo "day: that should have failed" >&2
    exit 1
  fi
}

deploy release live "$1:good-1" "$2"
deploy release live "$1:good-2" "$2"
refused release live "$1:sick" "$2"
refused release live "$1:mute" "$2"
deploy rename live production
deploy preview feature/search "$1:good-3" "preview.$2"
deploy release production "$1:good-3" "$2"
deploy teardown feature/search
echo "day: done"
