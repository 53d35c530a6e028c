/**
 * The four shell texts of the control protocol, hold, op, wait, write, and that of a console. They run under dash and
 * BusyBox ash and need flock, setsid, timeout and sha256sum. In DIR: `holder` and `busy` (locks), `write` (lock), `epoch`,
 * `owner` (JSON), `ops/ID/`.
 */

const path = 'export LC_ALL=C PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin';

/** `console argv…`: runs it in the caller's terminal. */
export const consoleText = `${path}
unset LC_ALL
exec "$@"
`;

/**
 * `hold DIR EPOCH BEAT OWNERJSON [again|look|break ID…]`, beats on standard input (lines). Says OK when the server is held and
 * drained; HELD or FENCED and the owner's JSON when it is not (73, 75); BUSY once a beat while earlier operations end; `FAILED why` (74).
 *
 * - `look` changes nothing: HELD or FREE, the owner's JSON in a line, and `OP ID STATE COMMAND` for each operation that runs;
 *   STATE is D where one of its processes cannot be killed, as it sleeps in the kernel.
 * - `break` takes the lock from whoever has it: the epoch first, so that the holder's late commands are fenced, then its process.
 *   It ends the operations ID…, tells what still runs as `OP` lines, and ends with OK: it keeps nothing.
 * - DIR is this user's own, and nobody else may write there: what lies in it need not be mistrusted.
 * - The epoch is written before the drain: the other order would let a late command of a lost holder start after it.
 * - The drain waits for the lock that every operation shares and, where a wrapper was killed and so freed it, for the
 *   process groups that its folder names. It looks once per beat, so that it notices a holder who has gone.
 * - After the drain no operation is left, so every folder is an earlier epoch's and goes.
 * - `again` is for a holder whose channel was lost: it takes the lock back only where the epoch is still its own, and
 *   neither drains nor cleans, for what runs is its own.
 */
export const holdText = `${path}
D=$1 E=$2 B=$3 J=$4 A=\${5-}
shift 4
[ "$A" = break ] && shift
K=" $* "
umask 077
fail() { printf 'FAILED %s\\n' "$1"; exit 74; }
owner() { printf '%s\\n' "$1"; cat "$D/owner" 2>/dev/null; exit "$2"; }
beat() { l=$(timeout "$B" head -n1 8>&- 9>&-) && [ -n "$l" ]; }
quiet() {
  for p in "$D"/ops/*/pg; do
    [ -f "$p" ] && [ ! -f "\${p%pg}rc" ] || continue
    while read -r g; do ! kill -0 "-$g" 2>/dev/null || return 1; done <"$p"
  done
}
each() {
  for p in "$D"/ops/*/pg; do
    [ -f "$p" ] && [ ! -f "\${p%pg}rc" ] || continue
    g=
    while read -r l; do ! kill -0 "-$l" 2>/dev/null || g=$l; done <"$p"
    p=\${p%/pg}
    [ -z "$g" ] || "$@" "\${p##*/}" "$g"
  done
}
stuck() {
  for s in /proc/[0-9]*/stat; do
    { read -r l <"$s"; } 2>/dev/null || continue
    l=\${l##*) }
    case $l in D*) l=\${l#* }; l=\${l#* }; [ "\${l%% *}" != "$1" ] || return 0 ;; esac
  done
  return 1
}
tell() {
  if stuck "$2"; then s=D; else s=-; fi
  printf 'OP %s %s ' "$1" "$s"
  tr '\\000-\\037\\177' ' ' <"/proc/$2/cmdline" 2>/dev/null
  echo
}
end() { case $K in *" $2 "*) kill "$1" "-$3" 2>/dev/null ;; esac; }
holds() { h=; read -r h 2>/dev/null <"$D/pid" && grep -qs reeve-hold "/proc/$h/cmdline"; }
write() {
  m=$({ rm -rf "$D/owner.new" "$D/epoch.new" && printf '%s\\n' "$J" >"$D/owner.new" && mv "$D/owner.new" "$D/owner" &&
    printf '%s\\n' "$E" >"$D/epoch.new" && mv "$D/epoch.new" "$D/epoch"; } 2>&1) || fail "cannot write to $D: \${m##*: }"
}
if [ "$A" = look ]; then
  [ -d "$D" ] && [ ! -L "$D" ] && [ -O "$D" ] || { echo FREE; echo; exit 0; }
  if holds; then echo HELD; else echo FREE; fi
  if [ -f "$D/owner" ]; then cat "$D/owner"; else echo; fi
  each tell
  exit 0
fi
for t in flock setsid timeout sha256sum; do command -v "$t" >/dev/null || fail "$t is not installed"; done
m=$(mkdir -p "$D" 2>&1) || fail "cannot write to $D: \${m##*: }"
[ -d "$D" ] && [ ! -L "$D" ] && [ -O "$D" ] && chmod go-w "$D" || fail "$D is not a folder of this user's own"
for f in holder busy write epoch owner pid; do
  f=$D/$f
  [ ! -L "$f" ] && { [ -f "$f" ] || [ ! -e "$f" ]; } || fail "$f is not a regular file"
done
m=$({ [ -d "$D/ops" ] && [ ! -L "$D/ops" ] || { rm -f "$D/ops" && mkdir "$D/ops"; }; } 2>&1 &&
  : 2>&1 >>"$D/holder" && : 2>&1 >>"$D/busy") || fail "cannot write to $D: \${m##*: }"
exec 8>>"$D/holder" 9>>"$D/busy"
if [ "$A" = break ]; then
  write
  ! holds || kill "$h"
  n=0
  until flock -xn 8; do
    n=$((n + 1))
    [ "$n" -lt 10 ] || owner HELD 73
    sleep 1
  done
  n=0
  each end -TERM
  until { flock -xn 9 && quiet; } || [ "$n" -ge 12 ]; do
    [ "$n" != 7 ] || each end -KILL
    n=$((n + 1))
    sleep 1
  done
  each tell
  echo OK
  exit 0
fi
flock -xn 8 || owner HELD 73
echo "$$" >"$D/pid"
if [ "$A" = again ]; then
  e=; [ ! -f "$D/epoch" ] || read -r e <"$D/epoch"
  [ "$e" = "$E" ] || owner FENCED 75
else
  write
  until flock -xn 9 && quiet; do
    echo BUSY
    beat || exit 0
  done
  rm -rf "$D/ops"
  mkdir "$D/ops"
  flock -u 9
fi
exec 9>&-
echo OK
while beat; do :; done
`;

/**
 * `op DIR EPOCH ID DEADLINE argv…`: starts argv detached, at most once per ID. STARTED, ALREADY or FENCED (75).
 *
 * - `alive` is locked under another name and then linked, which only one can do: whoever sees it sees it locked, so
 *   that `wait` never takes an operation that is about to begin for one that never will.
 * - The wrapper keeps both locks until the result is there; the command gets neither, since xl's monitor daemon would
 *   keep them for the life of the VM.
 * - `pg` has the wrapper's process group and then that of timeout, each written before it can hold the command. A
 *   result of 137 can mean that only timeout was killed: it counts when the group is gone.
 */
export const opText = `${path}
D=$1 E=$2 I=$3; shift 3
O=$D/ops/$I
umask 022
fenced() { echo FENCED; exit 75; }
already() { echo ALREADY; exit 0; }
[ -f "$D/epoch" ] || fenced
exec 9>>"$D/busy"
flock -sn 9 || fenced
e=; read -r e <"$D/epoch"
[ "$e" = "$E" ] || fenced
[ ! -e "$O/alive" ] || already
mkdir "$O" 2>/dev/null
exec 8>>"$O/alive.$$"
flock -x 8
ln "$O/alive.$$" "$O/alive" 2>/dev/null || already
C='echo "$$" >>"$0/pg"; exec timeout -k 5 "$@"'
W='O=$1 C=$2; shift 2
echo "$$" >"$O/pg"
sh -c "$C" "$O" "$@" >"$O/out" 2>"$O/err" 8>&- 9>&-
r=$?
if [ "$r" = 137 ]; then
  { read -r g; read -r g; } <"$O/pg"
  while kill -0 "-$g" 2>/dev/null; do sleep 1; done
fi
echo "$r" >"$O/rc.new"
mv "$O/rc.new" "$O/rc"'
setsid sh -c "$W" reeve-run "$O" "$C" "$@" </dev/null >/dev/null 2>&1 &
echo STARTED
`;

/**
 * `wait DIR ID`: blocks until the operation has ended, then `RC rc outbytes errbytes` and the bytes (1 MiB at most of each),
 * LOST (it began and left no result; none of its processes lives) or NEVER. Before it, a dot now and then is a sign of life.
 */
export const waitText = `${path}
O=$1/ops/$2
live() { while read -r g; do ! kill -0 "-$g" 2>/dev/null || return 0; done <"$O/pg"; return 1; }
[ -e "$O/alive" ] || { echo NEVER; exit 0; }
exec 8<"$O/alive"
until timeout 10 flock -s 8; do
  echo .
  sleep 1
done
while [ ! -f "$O/rc" ] && [ -f "$O/pg" ] && live; do
  echo .
  sleep 1
done
if [ -f "$O/rc" ]; then
  read -r r <"$O/rc"
  a=$(($(wc -c <"$O/out"))) b=$(($(wc -c <"$O/err")))
  [ "$a" -le 1048576 ] || a=1048576
  [ "$b" -le 1048576 ] || b=1048576
  printf 'RC %s %s %s\\n' "$r" "$a" "$b"
  head -c "$a" "$O/out"
  head -c "$b" "$O/err"
elif [ -f "$O/pg" ]; then echo LOST
else echo NEVER
fi
`;

/**
 * `write DIR EPOCH write PATH MODE` with `ONLYIF SHA256` as the first line of standard input, and then the bytes, or
 * `write DIR EPOCH remove PATH` with `ONLYIF`: DONE, DIFFERS, FENCED (75) or `FAILED why` (74). Compare and swap; sending
 * it again is DONE again.
 *
 * - A digest of a file with a short password gives it away: `ps` and the log of sudo show arguments to others.
 * - Writers take turns (`write`), so that one name beside the file is enough and nothing piles up.
 * - Others may write to the folder (a shared store), and put a link or a FIFO where the bytes are to go. So they go into a
 *   folder that is made for them: mkdir neither follows nor waits, and nobody else may write there. `cd` holds on to it.
 * - From there the file is moved or linked into the folder and not to a path, which may have become a link to another.
 * - Compared again when the bytes are there; a file that must not exist is made by a link, which cannot overwrite one.
 * - A folder that is itself a link is followed once, as its owner wants it (/srv may lead to another disk).
 */
export const writeText = `${path}
D=$1 E=$2 V=$3 P=$4 M=\${5-}
umask 077
say() { printf '%s\\n' "$1"; exit "\${2-0}"; }
bad() { printf 'FAILED cannot %s %s: %s\\n' "$V" "$P" "$1"; exit 74; }
have() {
  if [ -f "$P" ]; then h=$(timeout 60 sha256sum "$P"); h=\${h%% *}
  elif [ -e "$P" ] || [ -L "$P" ]; then h=special
  else h=absent
  fi
}
as_expected() { [ "$O" = any ] || [ "$h" = "$O" ] || say DIFFERS; }
O= S=
read -r O S
[ -f "$D/epoch" ] || say FENCED 75
exec 8>>"$D/write" 9>>"$D/busy"
flock -sn 9 || say FENCED 75
flock -x 8
e=; read -r e <"$D/epoch"
[ "$e" = "$E" ] || say FENCED 75
have
if [ "$V" = remove ]; then
  [ "$h" != absent ] || say DONE
  as_expected
  [ ! -d "$P" ] || [ -L "$P" ] || bad 'it is a folder'
  m=$(rm -f "$P" 2>&1) || bad "\${m##*: }"
  say DONE
fi
N=\${P##*/} F=\${P%/*}
F=\${F:-/}
[ "$h" != "$S" ] || say DONE
as_expected
[ "$h" != special ] && [ ! -L "$P" ] || bad 'it is not a regular file'
[ -d "$F" ] || bad "there is no folder $F"
cd -P "$F" 2>/dev/null && F=$(pwd -P) || bad "the folder $F cannot be entered"
T=\${F%/}/.$N.reeve-new
clear() { cd / && { rm -f "$T" || { rm -f "$T/$N" && rmdir "$T"; }; } 2>/dev/null; }
clear
m=$(mkdir "$T" 2>&1) || bad "$T cannot be made: \${m##*: }"
trap clear EXIT
trap 'exit 1' HUP INT PIPE TERM
cd -P "$T" 2>/dev/null && [ "$(pwd -P)" = "$T" ] || bad "somebody put something else at $T"
m=$({ cat >"./$N" && chmod "$M" "./$N"; } 2>&1) || bad "\${m##*: }"
h=$(sha256sum <"./$N")
[ "\${h%% *}" = "$S" ] || bad 'the bytes did not arrive whole'
timeout 20 sync "./$N" 2>/dev/null
have
as_expected
if [ "$O" = absent ]; then m=$(ln "./$N" "$F/" 2>&1) || { have; as_expected; bad "\${m##*: }"; }
else m=$(mv -f "./$N" "$F/" 2>&1) || bad "\${m##*: }"
fi
timeout 20 sync "$F" 2>/dev/null
say DONE
`;
