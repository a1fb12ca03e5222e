#!/bin/sh
# Becomes $FULMAR_GUARDED, and sees to it that this gets $FULMAR_GUARD_SIGNAL when the process that
# started it has ended, even if that was killed: nothing is left that holds the port or the objects' files.
# The terminal's signals are for the starter, which ends what it started; a program may take them up again, as Node does.
trap '' INT TERM HUP
if setpriv --help 2>/dev/null | grep -q pdeathsig; then
  exec setpriv --pdeathsig "$FULMAR_GUARD_SIGNAL" "$FULMAR_GUARDED" "$@"
fi
starter=$PPID
self=$$
(
  while kill -0 "$starter" && kill -0 "$self"; do sleep 1; done
  kill -"$FULMAR_GUARD_SIGNAL" "$self"
) </dev/null >/dev/null 2>&1 3>&- &
exec "$FULMAR_GUARDED" "$@"
