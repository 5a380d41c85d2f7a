#!/bin/sh
# Releases and previews of one project, with docker, curl and `tinyforge check`:
#
#   deploy.sh release STAGE IMAGE HOST    blue/green: the new container runs beside the old one, is
#                                         checked, gets the host name in one transaction, and is tried;
#                                         at the first failure all is as it was before
#   deploy.sh rename STAGE NEW-NAME
#   deploy.sh preview BRANCH IMAGE HOST   the branch in a stage of its own; prints where to look at it
#   deploy.sh teardown BRANCH
#
# PROJECT names the project, SOCKET is the daemon's socket, PORT the port that the images listen on.
# DRAIN is how many seconds the proxy needs to notice: what it asks for may be as old as that.
set -eu
: "${PROJECT:?names the project}"
: "${SOCKET:=/var/lib/tinyforge/tinyforge.sock}" "${PORT:=80}" "${DRAIN:=10}"
: "${WAIT:=2m}" "${STABLE:=5s}"

# METHOD PATH [JSON]: prints the answer; a failure is told on stderr.
api() {
  answer=$(curl --silent --show-error --fail-with-body --unix-socket "$SOCKET" --request "$1" \
    ${3:+--header "Content-Type: application/json" --data "$3"} "http://localhost$2") || {
    echo "deploy: $1 $2: $answer" >&2
    return 1
  }
  printf '%s\n' "$answer"
}

# NAME: the value of the first text with that name on stdin.
field() {
  grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

plain() {
  case $1 in
  "" | *[!A-Za-z0-9._/-]*)
    echo "deploy: $1 has characters that this script can't quote" >&2
    exit 2
    ;;
  esac
}

find_project() {
  found=$(api GET "/api/projects?name=$PROJECT")
  project=$(echo "$found" | field id)
  workload=$(echo "$found" | field workloadId)
  [ -n "$project" ] || {
    found=$(api POST /api/projects "{\"name\":\"$PROJECT\"}")
    project=$(echo "$found" | field id)
    workload=$(echo "$found" | field workloadId)
  }
}

# NAME: prints the id of the stage, or nothing.
stage_named() {
  stages=$(api GET "/api/projects/$project/stages")
  echo "$stages" | tr '}' '\n' | grep -F "\"name\":\"$1\"" | field id || true
}

# ROW IMAGE: the label is what ties the container to the row.
start() {
  docker run --detach --name "$1" --publish "127.0.0.1::$PORT" \
    --label "tinyforge.workload.id=$workload" --label "tinyforge.row.id=$1" "$2" >/dev/null
}

# ROW: no container and no row any more, whatever there was of them.
discard() {
  docker rm --force "$1" >/dev/null 2>&1 || true
  api DELETE "/api/containers/$1" >/dev/null 2>&1 || true
}

# ROW HOST
holds() {
  api GET "/api/containers/$1" 2>/dev/null | grep -qF "\"subdomain\":\"$2\""
}

# HOST FROM TO: both rows or none; FROM may be empty.
move() {
  release="{\"op\":\"update\",\"id\":\"$2\",\"patch\":{\"subdomain\":null}},"
  api POST /api/containers/batch "{\"operations\":[${2:+$release}
    {\"op\":\"update\",\"id\":\"$3\",\"patch\":{\"subdomain\":\"$1\"}}]}" >/dev/null
}

# ROW HOST: whether it answers where a proxy would ask.
answers() {
  port=$(api GET "/api/containers/$1" | grep -o '"hostPort":[0-9]*' | cut -d : -f 2)
  curl --silent --fail --max-time 5 --output /dev/null --header "Host: $2" "http://127.0.0.1:$port/"
}

release() {
  plain "$1" && plain "$3"
  find_project
  stage=$(stage_named "$1")
  [ -n "$stage" ] || stage=$(
    api POST "/api/projects/$project/stages" "{\"name\":\"$1\",\"maxInstances\":2}" | field id
  )
  blue=$PROJECT-$stage-blue green=$PROJECT-$stage-green
  if holds "$blue" "$3"; then old=$blue new=$green
  elif holds "$green" "$3"; then old=$green new=$blue
  else old='' new=$blue; fi
  discard "$new" # what was left of a release that was cut short
  api PUT "/api/containers/$new" "{\"workloadId\":\"$workload\",\"stageId\":\"$stage\",
    \"imageTag\":\"${2##*:}\"}" >/dev/null
  start "$new" "$2"
  if ! tinyforge check --row "$new" --wait "$WAIT" --stable "$STABLE"; then
    discard "$new"
    echo "deploy: $2 does not get well, $3 stays as it was" >&2
    return 1
  fi
  move "$3" "$old" "$new"
  if ! answers "$new" "$3"; then
    if [ -n "$old" ]; then move "$3" "$new" "$old" && sleep "$DRAIN"; fi
    discard "$new"
    echo "deploy: $2 does not answer, $3 is as it was before" >&2
    return 1
  fi
  sleep "$DRAIN"
  if [ -n "$old" ]; then discard "$old"; fi
  echo "deploy: $3 is $2"
}

rename() {
  plain "$1" && plain "$2"
  find_project
  api PATCH "/api/stages/$(stage_named "$1")" "{\"name\":\"$2\"}" >/dev/null
  echo "deploy: stage $1 is called $2"
}

# BRANCH: a name that containers may have.
slug() {
  printf '%s' "$1" | tr -c 'A-Za-z0-9' '-'
}

preview() {
  plain "$1" && plain "$3"
  find_project
  name=$(slug "$1")
  stage=$(stage_named "$name")
  [ -n "$stage" ] || stage=$(
    api POST "/api/projects/$project/stages" \
      "{\"name\":\"$name\",\"branch\":\"$1\",\"preview\":true}" | field id
  )
  row=$PROJECT-$name
  discard "$row"
  api PUT "/api/containers/$row" "{\"workloadId\":\"$workload\",\"stageId\":\"$stage\",
    \"imageTag\":\"${2##*:}\",\"subdomain\":\"$3\"}" >/dev/null
  start "$row" "$2"
  if ! tinyforge check --row "$row" --wait "$WAIT" --stable "$STABLE"; then
    teardown "$1"
    echo "deploy: $2 does not get well, there is no preview of $1" >&2
    return 1
  fi
  api GET "/api/previews?project=$project" | tr '{' '\n' | grep -F "\"branch\":\"$1\"" |
    grep -o '"urls":\["[^"]*"' | cut -d '"' -f 4
}

teardown() {
  plain "$1"
  find_project
  name=$(slug "$1")
  discard "$PROJECT-$name"
  api DELETE "/api/stages/$(stage_named "$name")" >/dev/null
  echo "deploy: the preview of $1 is gone"
}

case ${1:-} in
release | rename | preview | teardown) "$@" ;;
*)
  sed -n '2,12s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
