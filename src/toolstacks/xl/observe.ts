/** The one shell text that reads a dom0: POSIX sh, for Debian's dash and BusyBox's ash alike. It writes nothing. */

/**
 * Arguments: NONCE WHAT [PATH…]; WHAT is `all` or `domains`. Each section is framed by the nonce:
 *
 *     \n@NONCE xl-info\n … \n@NONCE /xl-info 0\n … \n@NONCE END\n
 *
 * - Sections, in this order: `host` (host name and boot id, a line each), `xl-info`, `xl-list`, `xs`, `files` (a tar
 *   with names relative to /), `link`, `ps`, `ovs` (only in `all`), `paths` (only where paths are given: `there PATH`
 *   or `missing PATH`, a line each; a path that took too long has no line). Where `xl info` fails, nothing follows it.
 * - `xl list` fails now and then for a moment: it is tried twice more, each time in a section of its own; the last counts.
 * - What hangs is killed. The look at paths is not even waited for: a process that sleeps on a dead NFS server may be
 *   beyond killing, so a `cat` that is not stands between.
 * - A tool that is not there has exit code 127. BusyBox's tar has no --exclude, so the shell leaves the scripts out.
 */
export const observeText = `LC_ALL=C PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin
export LC_ALL PATH
N=$1 W=$2
shift 2
cd / && exec </dev/null || exit 1
b() { printf '\\n@%s %s\\n' "$N" "$1"; }
e() { printf '\\n@%s /%s %d\\n' "$N" "$1" "$2"; return "$2"; }
s() {
  n=$1 t=$2; shift 2; b "$n"
  if command -v "$1" >/dev/null; then timeout -s KILL "$t" "$@" 2>&1; set -- $?; else echo "$1: not found"; set -- 127; fi
  e "$n" "$1"
}
files() {
  set --
  for f in etc/xen/* var/lib/xen/userdata-d.* etc/reeve; do
    case $f in etc/xen/scripts | etc/xen/boot) ;; *) set -- "$@" "$f" ;; esac
  done
  timeout -s KILL 20 tar -cf - "$@" 2>/dev/null
}
b host
read -r l </proc/sys/kernel/hostname && echo "$l" && read -r l </proc/sys/kernel/random/boot_id && echo "$l"
e host $?
if s xl-info 60 xl info; then
  s xl-list 60 xl list -v || { sleep 2; s xl-list 60 xl list -v; } || { sleep 3; s xl-list 60 xl list -v; }
  s xs 60 xenstore-ls -f /
  b files; files; e files $?
  s link 10 ip -j -d link
  s ps 10 ps -eo pid=,args=
  case $W in all) b ovs; command -v ovs-vsctl >/dev/null && ovs-vsctl --timeout=8 list-br 2>&1; e ovs $? ;; esac
  case $# in 0) ;; *)
    b paths
    { for p; do if [ -e "$p" ]; then echo "there $p"; else echo "missing $p"; fi; done 2>/dev/null & } |
      timeout -s KILL 8 cat
    e paths $?
  esac
fi
printf '\\n@%s END\\n' "$N"
`;
