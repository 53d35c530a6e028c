/** The one shell text that reads a dom0: POSIX sh, for Debian's dash and BusyBox's ash alike. It writes nothing. */

/**
 * Where a QEMU for Xen may be; the path is built into libxl. Debian's, Alpine's and SUSE's, Fedora's, one that was built by
 * hand; those in /usr/bin may have been built without Xen.
 */
export const qemuPaths: readonly string[] = [
  '/usr/libexec/xen-qemu-system-i386',
  '/usr/lib/xen/bin/qemu-system-i386',
  '/usr/libexec/xen/bin/qemu-system-i386',
  '/usr/lib64/xen/bin/qemu-system-i386',
  '/usr/local/lib/xen/bin/qemu-system-i386',
  '/usr/local/libexec/xen/bin/qemu-system-i386',
  '/usr/bin/qemu-system-i386',
  '/usr/bin/qemu-system-x86_64',
];

/**
 * Arguments: NONCE WHAT [PATH…]; WHAT is `all` or `domains`. Each section is framed by the nonce:
 *
 *     \n@NONCE xl-info\n … \n@NONCE /xl-info 0\n … \n@NONCE END\n
 *
 * - Sections, in this order: `host` (host name and boot id, a line each), `xl-info`, `xl-list`, `xl-vcpus`, `xl-sched` and
 *   `xl-credit` (only in `all`; of the two, the one whose scheduler is not in use is empty), `xs`, `files` (a tar with
 *   names relative to /), `saved`, `link`, `ps`, `ovs` (only in `all`), `qemu` (those of the known paths that are there), `paths`
 *   (`0 there PATH` or `0 missing PATH`, a line each, and `0 special PATH` for it where it is a device or the like, and for each
 *   symbolic link on the way to it; a path that took too long has no line), and before it `mounts`
 *   (/proc/self/mounts); both only where paths are given.
 * - `saved` has the name of each file in /var/lib/xen/save, where xendomains keeps the memory of VMs while dom0 is down.
 * - What stands behind `dir:` is a folder, and told in `paths`: `0 dir PATH`, and `0 file NAME` for each file in it.
 * - What stands behind `cfg:` is the path of a cfg outside of /etc/xen: in `paths` whether it is there, and in `cfgs`, the last
 *   section, a tar of those that are files of at most 256 KiB, and say `name =` at the begin of a line. Links are followed.
 * - What stands behind `text:` is a text, and told in `paths`: `0 text PATH`, and where it can be read, `0 line LINE` for each line.
 * - A path like `/dev/vg0/` is a volume group: where there is one, the sections `vgs` and `lvs` stand before `qemu`.
 * - A path that ends in `/` is a store, and looked into: `1 store PATH`, then, where the folder is there, `1 folder`, `1 marker`
 *   with the marker's line, `1 used` where anything lies in it, `1 disk` with each file in `disks`, `1 owner` with the file and
 *   the line of each marker there (`FILE/LINE`), `1 blocks` with the blocks of 512 bytes that each marked file takes and its name, `1 image` and `1 label` in the same way for `images`, `1 lease` with each file
 *   and its line, `1 saved` with each file of a suspended VM's memory, `1 start` with each link in a folder of `autostart`, `1
 *   odd` for each file whose name has a control character, and `1 df` with the last line of df; `1 end`. What is no regular file
 *   (a link that leads out of the store, a FIFO that never ends) is not read: `1 special` with its path within the store, as
 *   where one of Reeve's folders there is a link. All are looked at at the same time, so that a dead one keeps nobody waiting:
 *   each line has its store's number, and 0 in all that is of no store. What is longer than 400 bytes comes in pieces, which
 *   have a `+` behind the number and not a blank: so short a line is written whole, and no other gets into its middle. A line of
 *   a file that is longer than 8 KiB counts as an empty one.
 *   Where `xl info` fails, nothing follows it.
 * - `xl list` fails now and then for a moment: it is tried twice more, each time in a section of its own; the last counts.
 * - A process costs tens of milliseconds, and BusyBox makes three of every `timeout`: so two shells share the tools, each
 *   under one bound. When that passes, the shell kills the tool that it waits for, closes its section with 137 and ends.
 * - The look at paths and stores is not even waited for: a process that sleeps on a dead NFS server may be beyond killing, so a
 *   `cat` that is not stands between. It must hold nothing of the session, or sshd waits for it: `exec`, since a redirection
 *   of a group keeps the old descriptor beside.
 * - What a store holds may be endless: a shell that looks at it has 10 s of CPU and 1 GiB.
 * - A tool that is not there has exit code 127. BusyBox's tar has no --exclude, so the shell leaves the scripts out.
 */
export const observeText = `LC_ALL=C PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin
N=$1 W=$2 V= O=
shift 2
for f; do case $f in /dev/*/) V=1 ;; cfg:*) O=1 ;; esac; done
export LC_ALL PATH N W V
cd / && exec </dev/null || exit 1
P='
b() { n=$1; printf "\\n@%s %s\\n" "$N" "$n"; }
e() { printf "\\n@%s /%s %d\\n" "$N" "$n" "$1"; n=; return "$1"; }
s() {
  b "$1"
  shift
  if command -v "$1" >/dev/null; then "$@" 2>&1 & p=$!; wait "$p"; e $?; else echo "$1: not found"; e 127; fi
}
'
T='
die() { kill -9 $p 2>/dev/null; case $n in "") ;; *) e 137 ;; esac; exit 137; }
trap die TERM
'
A='
s xl-info xl info || exit
s xl-list xl list -v -c || { sleep 2; s xl-list xl list -v -c; } || { sleep 3; s xl-list xl list -v -c; }
case $W in all)
  s xl-vcpus xl vcpu-list
  s xl-sched xl sched-credit2
  s xl-credit xl sched-credit
esac
s xs xenstore-ls -f /
set --
for f in etc/xen/* etc/default/xendomains etc/sysconfig/xendomains etc/fstab var/lib/xen/userdata-d.* etc/reeve etc/ssh/ssh_host_ed25519_key.pub root/.ssh/reeve-migration.pub root/.ssh/authorized_keys; do
  case $f in etc/xen/scripts | etc/xen/boot) ;; *) set -- "$@" "$f" ;; esac
done
b files
tar -cf - "$@" 2>/dev/null &
p=$!
wait "$p"
e $?
b saved
for f in var/lib/xen/save/*; do
  case $f in *[[:cntrl:]]*) continue ;; esac
  if [ -f "$f" ] && [ ! -L "$f" ]; then printf "%s\\n" "\${f##*/}"; fi
done
e 0
exit 0
'
B='
s link ip -j -d link
s ps ps -eo pid=,args=
case $W in all) s ovs ovs-vsctl --timeout=8 list-br ;; esac
case $V in 1)
  s vgs vgs --reportformat json --units k --nosuffix -o vg_name,vg_uuid,vg_size,vg_free,vg_lock_type,vg_tags
  s lvs lvs --reportformat json --units k --nosuffix -o vg_name,lv_name,lv_size,lv_tags
esac
'
Q=????????????????????
Q=$Q$Q$Q$Q$Q
Q=$Q$Q$Q$Q
say() {
  t=$1
  while [ \${#t} -gt 400 ]; do
    printf '%s+%.400s\\n' "$i" "$t"
    t=\${t#$Q}
  done
  printf '%s %s\\n' "$i" "$t"
}
plain() { [ -f "$1" ] && [ ! -L "$1" ]; }
line() {
  l=
  if plain "$1"; then IFS= read -r l <"$1"; fi
  if [ \${#l} -gt 8192 ]; then l=; fi
}
known() {
  [ -e "$g" ] || [ -L "$g" ] || return 1
  case $g in *[[:cntrl:]]*)
    say odd
    return 1
  esac
}
is() { if plain "$g"; then say "$1 \${g##*/}"; else say "special \${g#"$f"}"; fi; }
sizes() {
  case $# in 0) ;; *)
    stat -c '%b %n' "$@" | while read -r n g; do say "blocks $n \${g##*/}"; done
  esac
}
kept() {
  for g in "$f$1"/*; do
    known || continue
    is "$2"
    case $g in *.reeve.json)
      line "$g"
      say "$3 \${g##*/}/$l"
    esac
  done
}
disks() {
  for g in "$f"disks/*; do
    case $g in *[[:cntrl:]]*) continue ;; esac
    if plain "$g" && [ -e "$g.reeve.json" ]; then set -- "$@" "$g"; fi
    case $# in 200)
      sizes "$@"
      set --
    esac
  done
  sizes "$@"
}
look() {
  say "store $f"
  if [ -d "$f" ]; then
    say folder
    if [ -e "$f.reeve.json" ]; then
      line "$f.reeve.json"
      say "marker $l"
    fi
    for g in "$f"* "$f".[!.]* "$f"..?*; do
      if [ -e "$g" ] || [ -L "$g" ]; then
        say used
        break
      fi
    done
    for g in disks images leases suspended autostart; do
      if [ -L "$f$g" ]; then say "special $g"; fi
    done
    kept disks disk owner
    disks
    kept images image label
    for g in "$f"leases/*.json; do
      known || continue
      if plain "$g"; then
        line "$g"
        say "lease \${g##*/}/$l"
      else is lease; fi
    done
    for g in "$f"suspended/*.save; do
      known || continue
      is saved
    done
    for g in "$f"autostart/*; do
      known || continue
      if [ -L "$g" ]; then say "special \${g#"$f"}"; fi
      for h in "$g"/*.cfg; do
        case $h in *[[:cntrl:]]*) continue ;; esac
        if [ -L "$h" ]; then say "start \${h#"$f"autostart/}"; fi
      done
    done
    l=$(df -Pk "$f")
    say "df \${l##*
}"
  fi
  say end
}
eval "$P"
b host
read -r l </proc/sys/kernel/hostname && printf '%s\\n' "$l" && read -r l </proc/sys/kernel/random/boot_id && printf '%s\\n' "$l"
e $?
if ! command -v xl >/dev/null; then
  b xl-info
  echo "xl: not found"
  e 127
elif timeout 150 sh -c "$P$T$A"; then
  timeout 20 sh -c "$P$T$B"
  b qemu
  for f in ${qemuPaths.join(' ')}; do
    if [ -x "$f" ]; then echo "$f"; fi
  done
  e 0
  case $# in 0) ;; *)
    b mounts
    while IFS= read -r l; do printf '%s\\n' "$l"; done </proc/self/mounts
    e 0
    b paths
    {
      exec 2>/dev/null
      ulimit -t 10
      ulimit -v 1048576
      i=0
      for f; do case $f in /dev/*/) ;; */) i=$((i + 1)); look & ;; esac; done
      i=0
      for f; do
        case $f in
        */) ;;
        text:*)
          say "text \${f#text:}"
          if [ -r "\${f#text:}" ]; then while IFS= read -r l || [ -n "$l" ]; do say "line $l"; done <"\${f#text:}"; fi
          ;;
        cfg:*) if [ -e "\${f#cfg:}" ]; then say "there \${f#cfg:}"; else say "missing \${f#cfg:}"; fi ;;
        dir:*)
          f=\${f#dir:}/
          say "dir \${f%/}"
          for g in "$f"*; do
            known || continue
            is file
          done
          ;;
        *)
          if [ -e "$f" ]; then say "there $f"; else say "missing $f"; fi
          if [ -e "$f" ] && [ ! -f "$f" ] && [ ! -d "$f" ]; then say "special $f"; fi
          g=$f
          while [ "$g" ]; do
            if [ -L "$g" ]; then say "special $g"; fi
            case $g in */*) g=\${g%/*} ;; *) g= ;; esac
          done
          ;;
        esac
      done &
    } | timeout -s KILL 8 cat
    e $?
    case $O in 1)
      b cfgs
      {
        exec 2>/dev/null
        ulimit -t 10
        ulimit -v 1048576
        {
          i=$#
          for f; do
            case $f in cfg:/[!-]*)
              f=\${f#cfg:/}
              if [ -f "$f" ] && [ "$(head -c 262145 "$f" | wc -c)" -le 262144 ] && grep -qE '^[[:space:]]*name[[:space:]]*=' "$f"; then set -- "$@" "$f"; fi
            esac
          done
          shift "$i"
          case $# in 0) ;; *) tar -chf - "$@" ;; esac
        } &
      } | timeout -s KILL 8 cat
      e $?
    esac
  esac
fi
printf '\\n@%s END\\n' "$N"
`;
