import { expect, test } from 'vitest';
import { loadFarm } from '../../../src/config/index.ts';
import { renderDiagnostics } from '../../../src/report/diagnostics.ts';
import { memoryIo } from './memory-io.ts';

/** A farm of one server with one network, to which each case adds its mistake. */
const base = `farm: home
servers: { xen: { address: xen.lan } }
networks: { lan: { bridge: xenbr0 } }
`;
const two = `farm: acme
pools:
  ams1: { servers: { dom01: { address: a }, dom02: { address: b } }, networks: { prod: { bridge: xenbr0 } } }
  fra1: { servers: { fra01: { address: c } }, networks: { dmz: { bridge: xenbr0 } } }
`;
/** Texts and single bytes, one after the other. */
const bytes = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((p) => (typeof p === 'number' ? Buffer.of(p) : Buffer.from(p))));
const bomb = `farm: home
a0: &a0 [x, x, x, x, x, x, x, x, x]
${Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`).join('\n')}
`;

/** By name: the text of farm.yaml, or several files. */
const cases: Readonly<Record<string, string | Readonly<Record<string, string | Uint8Array>>>> = {
  // The text.
  'empty file': '',
  'only comments': '# nothing yet\n',
  'a list': '- farm: home\n',
  'not utf-8': { 'farm.yaml': bytes('farm: home\n# caf', 0xe9, ' bar\nvms: {}\n') },
  'utf-16': { 'farm.yaml': bytes(0xff, 0xfe, 'f', 0, 'a', 0) },
  tabs: `${base}vms:\n\tweb: {}\n\tdb: {}\n`,
  'tab in a flow map': `${base}vms: {\n\tweb: {}\n}\n`,
  'open bracket': `farm: home\nservers: { xen: { address: xen.lan }\nnetworks: {}\n`,
  'two colons': `farm: home: sweet\n`,
  'bad indentation': `farm: home\nvms:\n  web: {}\n   db: {}\n`,
  'open quote': `farm: "home\nservers: {}\n`,
  'nul byte': 'farm: ho\0me\n',
  'two documents': `---\nfarm: home\n---\nfarm: away\n`,
  'empty key twice': ': ---\n: ',
  'one key in two spellings': 'farm: home\nvms: { 1: {}, 0x1: {} }\n',
  'duplicate key': `${base}vms:\n  web: { memory: 1GiB, memory: 2GiB }\n  db: {}\n  web: {}\n`,
  'unknown anchor': `${base}vms: { web: *small }\n`,
  'alias inside of its anchor': `farm: home\nvms: &v { web: *v }\n`,
  'alias bomb': bomb,
  'file of 33 MiB': { 'farm.yaml': new Uint8Array(33 * 1024 * 1024) },
  'no file': { 'frm.yaml': 'farm: home\n' },
  'misspelt file': { 'examples/farm.yaml': base },
  // The shape.
  'unknown key': `${base}vms:\n  web: { memry: 1GiB, colour: blue, Type: pvh }\nvmz: {}\n`,
  'merge key': `${base}vms:\n  web: &w { memory: 1GiB }\n  db: { <<: *w }\n`,
  'wrong type': `${base}vms:
  web: { vcpus: two, memory: [1GiB], networks: lan, protect: yes }
  db: { vcpus: "2", disks: 5, state: true }
  dns:
`,
  'missing unit': `${base}vms:
  web: { memory: 512 }
  db: { memory: "512" }
  dns: { memory: { target: 1GB, max: 2048 } }
  ntp: { memory: 0.5KiB }
ssh: { connectTimeout: 10 }
`,
  'not whole MiB': `${base}vms: { web: { memory: 1500KiB }, db: { memory: 0MiB } }\n`,
  'bad choice': `${base}vms: { web: { state: runing, budget: reboot } }\npolicy: { budget: none-at-all }\n`,
  'out of range': `${base}vms: { web: { vcpus: 0 }, db: { vcpus: { max: 9999 } } }\nssh: { port: 70000 }\n`,
  'bad forms': `${base}vms:
  web: { uuid: 1234, nics: { eth0: { network: lan, mac: 02-5a-7c-00-00-01 } } }
  db: { uuid: not-a-uuid, nics: { eth0: { network: lan, mac: "01:00:5e:00:00:01" }, eth16: { network: lan } } }
  dns: { disks: { sdz: { path: /dev/vg0/dns }, xvdabc: { path: /x } }, cdrom: { xvdc: {} } }
`,
  'missing keys': `servers: { xen: {} }\nnetworks: { lan: {} }\nvms: { web: { disks: { xvda: {} }, nics: { eth0: {} } } }\n`,
  'no servers': `farm: home\nvms: { web: {} }\n`,
  'not built': `${base}repositories: { vg0: { type: lvm }, san: { type: iscsi, path: x, volumeGroup: vg0 } }
templates: { debian: { source: "https://images.example.com/x" } }
vms:
  web: { type: hvm, cdrom: { hdc: { iso: debian } } }
  db: { disks: { xvda: { repository: vg0, size: 20GiB, from: debian }, xvdb: { adopt: /x } }, cloudInit: { userData: x }, deleteDisks: true }
`,
  references: `${base}vms: { web: { boot: { cmdline: "token=\${env:TOKEN}" } } }\n`,
  // Names.
  'bad names': `${base}vms:
  42: {}
  "${'a'.repeat(64)}": {}
  "web 1": {}
  "it's": {}
  'say "hi"': {}
  "line\\nbreak": {}
  "a;reboot": {}
  "$(reboot)": {}
  "a/b": {}
  "a..b": {}
  "..": {}
  "": {}
  -rf: {}
  "__proto__": {}
`,
  'bad names of others': `farm: "my farm"
pools:
  "a b": { servers: { dom01: { address: a } } }
  p1: { servers: { 7: { address: a }, "d;om": { address: b } }, networks: { "x/y": { bridge: xenbr0 } } }
profiles: { "..": {} }
`,
  'bad patterns': `${base}vms: { "web-[9-1]": {}, "a[1-2]b[1-2]": {}, "x[1-": {}, "big-[1-999999]": {}, "w[1-3]": {}, "w[3-5]": {} }\n`,
  'defined twice in two files': {
    'farm/a.yaml': `${base}vms: { web: {} }\nprofiles: { small: {} }\n`,
    'farm/b.yaml':
      'farm: other\nvms:\n  db: {}\n  web: {}\nprofiles: { small: {} }\nnetworks: { lan: { bridge: br1 } }\n',
  },
  'server in two pools': two.replace('fra01', 'dom01'),
  'servers and pools': `${two}servers: { xen: { address: x } }\n`,
  'network of all and of one pool': `${two}networks: { prod: { bridge: br1 }, mgmt: { bridge: br2, pools: [ams] } }\n`,
  'repository of all and of one pool': `${two.replaceAll('networks: {', 'repositories: { store: { type: dir, path: /srv/a } }, networks: {')}
repositories:
  store: { type: dir, path: /srv/b, pools: [ams1] }
  iso: { type: dir, path: /srv/iso, pools: [ams] }
  "a b": { type: dir, path: /srv/c }
`,
  'bad repositories': `${base}repositories:
  a: {}
  b: { type: nfs }
  c: { type: dir, source: "filer:/x", options: hard, volumeGroup: vg0 }
  d: { type: nfs, path: /srv/d, source: "filer:/d", shared: false, volumeGroup: vg0 }
  e: { type: nfss, path: /srv/e }
  f: { type: dir, path: 5, shared: yes, state: gone }
  g: { type: nfs, path: /srv/g, source: "", options: "" }
  h:
`,
  'images that cannot be had': `${base}repositories:
  a: { type: dir, path: /srv/a }
  b: { type: dir, path: /srv/b }
  vg0: { type: lvm, path: /dev/vg0, shared: true }
  vg1: { type: lvm, volumeGroup: "vg 1" }
templates:
  plain: { source: "https://x.example/t.qcow2" }
  image: { source: "https://x.example/t.img", repository: a }
  ftp: { source: "ftp://x.example/t.raw", repository: a }
  secret: { source: "https://ann:pw@x.example/t.raw", repository: a }
  slash: { source: "https://ann:p/w@x.example/t.raw", repository: a }
  odd: { source: "ann:p w@x.example/t.raw", repository: a, state: gone }
  blank: { source: "https://x.example/a b.raw", repository: a }
  here: { source: ./t.raw, repository: a }
  lost: { source: "https://x.example/t.raw", repository: vg0 }
  gone: { source: "https://x.example/t.raw", repository: a, state: absent }
isos:
  cd: { source: "https://x.example/cd.iso", repository: a, format: raw, pools: [nowhere] }
vms:
  web:
    type: hvm
    disks:
      xvda: { repository: vg0, size: 1GiB, from: gone, format: qcow2 }
      xvdb: { adopt: /srv/a/x.raw }
      xvdc: { adopt: /srv/a/disks/x.raw, repository: a }
      xvdd: { adopt: /srv/a/disks/y.raw, size: 1GiB }
      xvde: { repository: a, size: 1GiB, from: ghost }
    cdrom: { hdc: { iso: plain, path: /srv/x.iso } }
    cloudInit: { userData: "hostname: x" }
`,
  'bad paths of repositories': `${base}repositories:
  a: { type: dir, path: srv/a }
  b: { type: dir, path: "/srv/b;reboot" }
  c: { type: dir, path: /srv/../etc }
  d: { type: dir, path: // }
  e: { type: dir, path: /etc/ }
  f: { type: dir, path: /usr/local/vms }
  g: { type: dir, path: /./tmp/vms }
  h: { type: dir, path: /var }
  i: { type: dir, path: /home/ }
  j: { type: dir, path: /srv//j/. }
  k: { type: dir, path: "/srv/{}" }
`,
  'bad sources of repositories': `${base}repositories:
  a: { type: nfs, path: /srv/a, source: /export/a }
  b: { type: nfs, path: /srv/b, source: "filer:export" }
  c: { type: nfs, path: /srv/c, source: "-o:/x" }
  d: { type: nfs, path: /srv/d, source: "a b:/x" }
  e: { type: nfs, path: /srv/e, source: "a,b:/x" }
  f: { type: nfs, path: /srv/f, source: "2001:db8::1:/x" }
  g: { type: nfs, path: /srv/g, source: "[10.0.0.1]:/x" }
  h: { type: nfs, path: /srv/h, source: "filer:2049:/x" }
  i: { type: nfs, path: /srv/i, source: "filer:/x y" }
  j: { type: nfs, path: /srv/j, source: "filer:/x$(reboot)" }
  k: { type: nfs, path: /srv/k, source: "filer:/x'" }
  l: { type: nfs, path: /srv/l, source: "filer:/x/../y" }
  m: { type: nfs, path: /srv/m, source: "filer://x" }
  n: { type: nfs, path: /srv/n, source: "[$(reboot):]:/x" }
  o: { type: nfs, path: /srv/o, source: "filer:/x\\ny" }
  p: { type: nfs, path: /srv/p, source: ":/x" }
`,
  'bad mount options': `${base}defaults: {}
repositories:
${[
  'vers=4.2 hard',
  'vers=4.2,,hard',
  'hard,-o',
  'hard;reboot',
  'vers=3,vers=4.2',
  'hard,hard',
  'soft',
  'vers=4,softerr',
  'nofail',
  '_netdev',
  'auto',
  'noauto',
  'bg',
  'hard,fg',
]
  .map((options, i) => `  r${i}: { type: nfs, path: /srv/r${i}, source: "filer:/r${i}", options: "${options}" }\n`)
  .join('')}`,
  'repositories in one place': `${two.replaceAll('networks: {', 'repositories: { own: { type: nfs, path: /srv/own, source: "FILER:/all/" } }, networks: {')}
repositories:
  all: { type: nfs, path: /srv/all, source: "filer:/all" }
  again: { type: dir, path: /srv/all/, pools: [fra1] }
  inside: { type: dir, path: /srv/own/a/b, pools: [ams1], state: absent }
  beside: { type: dir, path: /srv/own-2 }
`,
  'a shared volume group of two pools': `${two}repositories:
  lun0: { type: lvm, shared: true }
  lun1: { type: lvm, shared: true, pools: [fra1, ams1] }
  lun2: { type: lvm, shared: true, pools: [fra1] }
  lun3: { type: lvm, shared: true, state: absent }
  vg0: { type: lvm }
`,
  // What is named and not there.
  'unknown names': `${two}vms:
  a: { pool: asm1, profile: smal }
  b: { pool: ams1, server: dom03, networks: [prd] }
  c: { pool: ams1, servers: [dom01, fra01], nics: { eth0: { network: dmz } } }
  d: { server: fra01 }
  e: {}
profiles: { small: { memory: 1GiB }, other: { profile: samll } }
`,
  'profile cycle': `${base}profiles: { a: { profile: b }, b: { profile: c }, c: { profile: a }, d: { profile: d } }\nvms: { web: { profile: a } }\n`,
  'one mistake shared by many': `${base}defaults: { networks: [lna] }\nvms: { "web-[1-50]": {} }\n`,
  'mistake in a profile': `${base}profiles:\n  small: { memory: { max: 1GiB } }\nvms: { web: { profile: small, memory: 2GiB } }\n`,
  // What contradicts.
  'over max': `${base}vms: { web: { vcpus: { count: 4, max: 2 }, memory: { target: 2GiB, max: 1GiB } } }\n`,
  'server and servers': `${base}vms: { web: { server: xen, servers: [xen] } }\n`,
  'networks and nics': `${base}vms: { web: { networks: [lan], nics: { eth0: { network: lan } } } }\n`,
  'one MAC, UUID, name, disk': `${base}vms:
  a:
    uuid: 3f1c8c1e-9b5e-4c64-8d5b-0f3c5a0e7b11
    nics: { eth0: { network: lan, mac: "02:5a:7c:00:00:01" } }
    disks: { xvda: { path: /dev/vg0/a }, xvdb: { path: /dev/vg0/a } }
  b:
    uuid: 3F1C8C1E-9B5E-4C64-8D5B-0F3C5A0E7B11
    nics: { eth0: { network: lan, mac: "02:5A:7C:00:00:01" } }
    disks: { xvda: { path: /dev/vg0/a, access: ro } }
  c: { name: a }
`,
  // What a type of guest has not.
  'words of another type': `${base}defaults: { networks: [lan] }
vms:
  old:
    type: pv
    boot: { firmware: uefi, order: [disk] }
    display: { vnc: true, spice: false }
    serial: pty
    tablet: true
    cdrom: { hdc: {} }
    disks: { xvda: { path: /dev/vg0/old }, hdb: { path: /dev/vg0/old-b } }
    nics: { eth0: { model: e1000 }, eth1: { network: lan, model: pv } }
  new: { type: pvh, disks: { sda: { path: /dev/vg0/new } }, cdrom: {} }
  win: { type: hvm, boot: { bootloader: pygrub }, disks: { xvda: { path: /srv/tools.img, access: ro } } }
  any: { display: { vnc: true }, serial: pty }
`,
  'words of another type in defaults': `${base}defaults: { profile: windows, tablet: true }
profiles: { windows: { profile: screen, memory: 1GiB }, screen: { display: { vnc: { port: 5900 } } } }
vms: { "web-[1-9]": { type: pvh }, win: { type: hvm } }
`,
  'two ways to boot': `${base}defaults: { boot: { kernel: /vmlinuz } }
vms: { a: { type: pv, boot: { bootloader: pygrub } }, b: { boot: { bootloader: /usr/lib/xen/bin/pygrub, kernel: /k } } }
`,
  'devices in one place': `${base}vms:
  a: { type: hvm, disks: { hdc: { path: /dev/vg0/a } }, cdrom: { hdc: {} } }
  b: { disks: { xvda: { path: /dev/vg0/b }, hda: { path: /dev/vg0/c }, xvdd: { path: /dev/vg0/d } }, cdrom: { hdd: {} } }
  c: { disks: { xvda: { path: /dev/vg0/e, format: qcow2, backend: phy }, xvdb: { path: /dev/vg0/f, backend: phy } } }
`,
  'PCI devices and memory on demand': `${base}vms:
  a: { type: hvm, memory: { target: 1GiB, max: 2GiB }, xl: { pci: ["01:00.0"] } }
  b: { type: hvm, memory: { target: 1GiB, max: 1024MiB }, xl: { pci: ["02:00.0"] } }
`,
  'bad settings': `${base}vms:
  a:
    boot: { bootloader: grub, order: [disk, disk] }
    display: { vnc: { listen: "127.0.0.1:1", port: 5899 }, spice: { listen: "a b", port: 0 } }
    serial: 'pty"'
    sched: { weight: 0, cap: 70000 }
    affinity: { hard: 3-1, soft: "^2" }
    cpupool: "1"
    on: { poweroff: destroyed, crash: coredump-restart }
  b:
    affinity: 0-9999
    nics:
      eth0: { network: lan, rate: 10mb, model: vif, script: "../vif" }
      eth1: { network: lan, rate: 1B/s@1us, model: "e1000,script=/x", script: "/etc/xen/vif bridge;" }
    cdrom: { hdc: { path: netinst.iso } }
    display: { vnc: yes, spice: true }
  c: { affinity: 3, after: db, name: "12", formerly: "a b" }
`,
  'disks that cannot be made': `${base}repositories:
  a: { type: dir, path: /srv/a }
  b: { type: dir, path: /srv/b }
  gone: { type: dir, path: /srv/gone, state: absent }
vms:
  web:
    disks:
      xvda: { size: 20GiB }
      xvdb: { size: 20GiB, repository: c }
      xvdc: { repository: a }
      xvdd: { path: /dev/vg0/x, size: 1GiB }
      xvde: { size: 512KiB, repository: a }
      xvdf: { size: 1GiB, repository: a, format: vhd }
      xvdg: { size: 20, repository: a }
      xvdh: { size: 1GiB, repository: gone }
`,
  'bad readiness': `${base}defaults: { ready: { within: 0s } }
vms:
  a: { ready: { tcp: "10.1.2.3" } }
  b: { ready: { tcp: "2001:db8::1:443" } }
  c: { ready: { tcp: "[10.1.2.3]:443" } }
  d: { ready: { tcp: "web:70000" } }
  e: { ready: { tcp: "-x:443", within: 2h } }
  f: { ready: { from: here } }
  g: { ready: { tcp: "{}.example.com:443", from: home, within: 60 } }
  h: {}
  i: { shutdown: { within: 0s } }
  j: { shutdown: 10m }
`,
  'passwords written out': `${base}vms:
  a: { display: { vnc: { password: hunter2 }, spice: { port: 5901, password: 4711 } } }
  b: { display: { vnc: { password: "\${env:2ND}" } } }
  c: { display: { vnc: { password: "\${file:-x}" } } }
  d: { display: { vnc: { password: "x\${env:PW}" } }, serial: "\${env:PW}" }
  e: { display: { vnc: { password: "\${env:PW_{n}}" } } }
`,
  'xl keys': `${base}defaults: { xl: { vnc: 1, VIRIDIAN: 1 } }
vms:
  "web-[1-3]":
    xl:
      cpus: "0-3"
      builder: hvm
      "a-b": 1
      viridian: { all: true }
      pci: ["01:00.0", { bdf: x }, null]
      hap: 'a"b'
      nested: .inf
      tsc: 12345678901234567890
      big: "12345678901234567890"
`,
  // What VMs say of each other.
  'order of starts': `${base}defaults: { after: [db] }
vms:
  db: {}
  web: { after: [bd, dns, web] }
  a: { after: [c] }
  b: { after: [a] }
  c: { after: [b, d] }
  d: { after: [a] }
  "app-[1-3]": { after: [queue] }
`,
  renames: `${base}vms:
  a: { formerly: old }
  b: { formerly: old }
  c: { formerly: a }
  d: { formerly: d }
  e: { name: f }
  f: {}
`,
  'disks that are not shared by all': `${base}vms:
  a: { disks: { xvda: { path: /dev/vg0/x, access: shared } } }
  b: { disks: { xvda: { path: /dev/vg0/x, access: shared } } }
  c: { disks: { xvda: { path: /dev/vg0/x, access: ro } } }
  d: { disks: { xvda: { path: /dev/vg0/x } } }
`,
  // Pools whose servers come and go.
  'groups apart': `${base}profiles: { odd: { apart: { group: "we b", hard: true } } }
vms:
  a: { apart: [web, { group: web, soft: true }] }
  b: { apart: 5 }
  c: { apart: { soft: true } }
  d: { apart: "" }
  e: { apart: [rack, 7, { group: "" }, { group: r, soft: yes }] }
  f: { apart: "web-{n}" }
  g: { profile: odd }
`,
  'more spare than servers': `farm: acme
pools:
  a: { servers: { "a[1-3]": { address: "{}" } }, spare: 3, overcommit: { vcpus: 0.5 } }
  b: { servers: { "b[1-3]": { address: "{}" }, b2: { roles: [utility] }, b3: { state: absent } }, spare: 1 }
  c: { servers: { "c[1-3]": { address: "{}" }, c2: { state: maintenance } }, spare: 2, overcommit: { memory: 2 } }
  d: { servers: { d1: { address: d1 }, "d 2": { address: d2 } }, spare: 1 }
  e: { spare: -1 }
`,
  'keys for migrations': `farm: acme
pools:
  a: { servers: { a1: { address: a1 } }, migration: { key: .ssh/id_ed25519 } }
  b: { servers: { b1: { address: b1 } }, migration: { key: /root/.ssh/id_ed25519.pub } }
  c: { servers: { c1: { address: c1 } }, migration: { key: "/root/my keys/id" } }
  d: { servers: { d1: { address: d1 } }, migration: /root/.ssh/id_ed25519 }
  e: { servers: { e1: { address: e1 } }, migration: { kay: /root/.ssh/id_ed25519 } }
  f: { servers: { f1: { address: f1 } }, migration: { key: "" } }
`,
  'servers that leave': `farm: acme
pools:
  a:
    servers: { "a[1-3]": { address: "{}" }, a1: { state: absent }, a2: { state: absent } }
  b: { servers: { "b[1-2]": { address: "{}", state: absent } } }
  c: { servers: { c1: { address: c1, state: absnt } } }
profiles: { old: { pool: a, servers: [a1, a2] } }
vms:
  one: { pool: a, server: a1 }
  two: { profile: old }
  three: { profile: old, server: a3 }
  gone: { profile: old, state: absent }
  lost: { pool: b, server: b1 }
  away: { pool: b, state: absent }
  here: { pool: c }
`,
  'the only pool leaves': `${base.replace('lan }', 'lan, state: absent }')}vms: { web: {} }
`,
  'bad addresses and fences of servers': `farm: home
servers:
  "dom[1-2]": { address: "{}", migration: 10.77.0.1, fence: { off: "ilo {n} off" } }
  dom3: { address: dom3, migration: dom1 }
  dom4: { address: dom4, migration: local, fence: { off: "ilo {n} off", status: "ilo {} status" } }
  dom5: { address: dom5, migration: "root@10.77.0.5", fence: { off: " ", status: "a\\eb", on: x } }
  dom6: { address: dom6, migration: "10.77.0.{n}", fence: { off: "" } }
  dom7: { address: dom7, fence: { off: ./off, status: 5 } }
`,
  'commands before operations': `${base}policy:
  restarts: { atOnce: 0 }
  before:
    none: ./never
    migrate: "./snap {name}"
    restart: "./snap {}"
    stop: "\\a"
    device: "./snap {vm} {host} \${HOME}"
    data-loss: ""
`,
  // What would reach a shell, ssh or a cfg.
  'unsafe values': `farm: home
servers:
  xen: { address: "-oProxyCommand=reboot", ssh: { user: "-l", jump: "-J@evil", identityFile: -key, port: 22 } }
  xen2: { address: "root@xen2" }
  xen3: { address: "xen3:2222" }
  xen4: { address: "a b; reboot" }
networks: { lan: { bridge: "xenbr0,script=/tmp/x" }, wan: { bridge: a-very-long-bridge-name } }
vms:
  web:
    boot: { kernel: vmlinuz, ramdisk: /srv/../etc/shadow, cmdline: 'root="x"' }
    disks: { xvda: { path: "/dev/vg0/a,b" }, xvdb: { path: "/dev/vg0/{}" } }
  db: { boot: { cmdline: "a\\nkernel = b" } }
`,
  'control characters in a line': `${base}vms: { "we\\e[31mb": {}, web: { memory: "1\\u202eGiB" } } # \u202e\n`,
  'a very long line': `${base}vms: { ${Array.from({ length: 400 }, (_, i) => `vm-${i}: { memory: 1GiB }`).join(', ')}, web: { memori: 1GiB } }\n`,
};

const paths: Readonly<Record<string, readonly string[]>> = {
  'misspelt file': ['examples/frm.yaml'],
};

test.each(Object.entries(cases))('%s', async (name, files) => {
  const io = memoryIo(typeof files === 'string' ? { 'farm.yaml': files } : files);
  const loaded = await loadFarm(paths[name] ?? [], io);
  expect(loaded.ok).toBe(false);
  const text = loaded.ok ? '' : renderDiagnostics(loaded.diagnostics, { color: false, most: Infinity });
  await expect(text).toMatchFileSnapshot(`../../golden/config/${name.replaceAll(/[^\w-]+/g, '-')}.txt`);
});
