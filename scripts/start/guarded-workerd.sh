#!/bin/sh
# Becomes workerd, and sees to it that workerd ends with the process that started it, even if that is killed: nothing
# is left that holds the port or the objects' files. The terminal's signals are for the starter, which ends workerd.
trap '' INT TERM HUP
if setpriv --help 2>/dev/null | grep -q pdeathsig; then
  exec setpriv --pdeathsig KILL "$FULMAR_WORKERD" "$@"
fi
starter=$PPID
self=$$
(
  while kill -0 "$starter" && kill -0 "$self"; do sleep 1; done
  kill -KILL "$self"
) </dev/null >/dev/null 2>&1 3>&- &
exec "$FULMAR_WORKERD" "$@"
