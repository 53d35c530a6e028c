/** The device model: which guests need a QEMU, what it is started with, and why it may not start. */
import { handed, handedText } from './build-keys.ts';
import { videoKiB, type DomainConfig } from './config.ts';
import { qemuPath } from './dom0-files.ts';
import { devidOf } from './disk-spec.ts';
import { nicType } from './print-json.ts';
import type { Disk, Domain, Qemu, World } from './world.ts';

/** HVM always; others for a disk that no kernel driver serves, or for a display. */
export const needsQemu = (config: DomainConfig, disks: readonly Pick<Disk, 'backend'>[]): boolean =>
  config.type === 'hvm' || config.vfb !== null || disks.some((d) => d.backend === 'qdisk');

const logPath = (name: string): string => `/var/log/xen/qemu-dm-${name}.log`;

const on = (value: unknown, otherwise: boolean): boolean => (value === undefined ? otherwise : value === 'True');

interface Screen {
  readonly listen: string;
  readonly display: number;
  readonly unused: boolean;
  readonly password: string | null;
}

const screenOf = (c: DomainConfig): Screen | null => {
  const fields = c.type === 'hvm' ? c.more.typed : c.vfb;
  if (fields === null || !on(handed(fields, 'vnc', 'enable'), true) || c.type === 'pvh') return null;
  const [listen = '', tail] = handedText(fields, '127.0.0.1', 'vnc', 'listen').split(':');
  const password = handed(fields, 'vnc', 'passwd');
  return {
    listen,
    display: tail === undefined ? Number(handed(fields, 'vnc', 'display') ?? 0) : Number(tail),
    unused: on(handed(fields, 'vnc', 'findunused'), true),
    password: typeof password === 'string' && password !== '' ? password : null,
  };
};

const portFor = (world: World, screen: Screen): number | null => {
  const taken = new Set([...world.domains.values()].map((d) => d.qemu?.vnc?.port));
  let port = 5900 + screen.display;
  while (taken.has(port) && screen.unused) port += 1;
  return taken.has(port) ? null : port;
};

const serialsOf = (c: DomainConfig): readonly string[] => {
  const one = handed(c.more.typed, 'serial');
  const many = handed(c.more.typed, 'serial_list');
  if (c.type !== 'hvm') return [];
  return typeof one === 'string' ? [one] : Array.isArray(many) ? many.map(String) : [];
};

const argsOf = (d: Domain, c: DomainConfig, screen: Screen | null): string => {
  const monitor = (name: string): string =>
    `-chardev socket,id=${name}-cmd,path=/var/run/xen/qmp-${name}-${d.domid},server=on,wait=off -mon chardev=${name}-cmd,mode=control`;
  const head = `${qemuPath} -xen-domid ${d.domid} -no-shutdown ${monitor('libxl')} ${monitor('libxenstat')} -nodefaults -no-user-config`;
  const vnc = screen === null ? '-vnc none' : `-vnc ${screen.listen}:${screen.display}${screen.unused ? ',to=99' : ''}`;
  const memory = Math.floor((c.maxKiB - videoKiB(c)) / 1024);
  if (c.type !== 'hvm')
    return `${head} -xen-attach -name ${c.name} ${vnc} -display none -nographic -machine xenpv -m ${memory}`;
  const cards = c.nics
    .filter((n) => nicType(c.type, n) === 'vif_ioemu')
    .map(
      (n) =>
        ` -device ${n.model ?? 'rtl8139'},id=nic${n.devid},netdev=net${n.devid},mac=${n.mac} -netdev type=tap,id=net${n.devid},ifname=vif${d.domid}.${n.devid}-emu,br=${n.bridge ?? 'xenbr0'},script=no,downscript=no`,
    );
  return (
    `${head} -name ${c.name} ${vnc} -display none` +
    (c.kernel === null
      ? ''
      : ` -kernel ${c.kernel}${c.ramdisk === null ? '' : ` -initrd ${c.ramdisk}`}${c.cmdline === null ? '' : ` -append ${c.cmdline}`}`) +
    serialsOf(c)
      .map((s) => ` -serial ${s}`)
      .join('') +
    ` -boot order=${handedText(c.more.typed, 'cda', 'boot')} -smp ${c.vcpus},maxcpus=${c.maxVcpus}${cards.join('')} -machine xenfv,suppress-vmdesc=on -m ${memory}`
  );
};

/** The place on the IDE bus of a disk of an HVM guest: PV names have one, too. */
const idePlace = (vdev: string): number | null => {
  const m = /^(?:xvd|hd)([a-d])$/.exec(vdev);
  return m === null ? null : (m[1] ?? 'a').charCodeAt(0) - 97;
};

/** What keeps QEMU from starting: libxl's code, and libxl's or QEMU's words. */
interface Trouble {
  readonly rc: number;
  readonly words: string;
  readonly log: string | null;
}

const spawnFailed = (domid: number): string =>
  `libxl: error: libxl_dm.c:3161:device_model_spawn_outcome: Domain ${domid}:domain ${domid} device model: spawn failed (rc=-3)\n` +
  postFailed(domid, -3);

const postFailed = (domid: number, rc: number): string =>
  `libxl: error: libxl_dm.c:3381:device_model_postconfig_done: Domain ${domid}:Post DM startup configs failed, rc=${rc}\n`;

const troubleOf = (world: World, domid: number, c: DomainConfig, disks: readonly Disk[]): Trouble | null => {
  const [major, minor] = (world.server.xenVersion ?? '4.17.7').split('.');
  if (!world.files.exists(qemuPath))
    return {
      rc: -3,
      words:
        `libxl: info: libxl_create.c:124:libxl__domain_build_info_setdefault: qemu-xen is unavailable, using qemu-xen-traditional instead: No such file or directory\n` +
        `libxl: error: libxl_dm.c:2911:libxl__spawn_local_dm: Domain ${domid}:device model /usr/lib/xen-${major}.${minor}/bin/qemu-dm is not executable: No such file or directory\n` +
        postFailed(domid, -3),
      log: null,
    };
  const boots = c.type === 'hvm' ? [c.kernel, c.ramdisk] : [];
  const lost = boots.find((path) => path !== null && !world.files.exists(path));
  if (lost !== undefined)
    return {
      rc: -3,
      words: spawnFailed(domid),
      log: `qemu: could not open kernel file '${lost}': No such file or directory\n`,
    };
  if (c.type === 'hvm') {
    const places = new Set<number>();
    for (const disk of disks) {
      const place = idePlace(disk.vdev);
      if (place === null) continue;
      if (!disk.readwrite && !disk.cdrom)
        return {
          rc: -6,
          words:
            "libxl: error: libxl_dm.c:2011:libxl__build_device_model_args_new: qemu-xen doesn't support read-only IDE disk drivers\n",
          log: null,
        };
      if (places.has(place) && !disk.cdrom)
        return {
          rc: -3,
          words: spawnFailed(domid),
          log: `xen-qemu-system-i386: -drive file=${disk.path},if=ide,index=${place},media=disk,format=${disk.format},cache=writeback: drive with bus=${place >> 1}, unit=${place % 2} (index=${place}) exists\n`,
        };
      places.add(place);
      if (disk.format !== 'empty' && !world.files.exists(disk.path))
        return {
          rc: -3,
          words: spawnFailed(domid),
          log: `xen-qemu-system-i386: Could not open '${disk.path}': No such file or directory\n`,
        };
    }
  }
  const screen = screenOf(c);
  if (screen !== null && portFor(world, screen) === null)
    return {
      rc: -3,
      words: spawnFailed(domid),
      log: `xen-qemu-system-i386: -vnc ${screen.listen}:${screen.display}: Failed to find an available port: Address already in use\n`,
    };
  if (screen?.password != null && world.server.qemuDes === false)
    return {
      rc: -26,
      words:
        `libxl: error: libxl_qmp.c:1336:qmp_ev_handle_message: Domain ${domid}:Error from QEMU: Could not set password\n` +
        postFailed(domid, -26),
      log: `VNC server running on ${screen.listen}:${5900 + screen.display}\nCipher backend does not support DES algorithm\n`,
    };
  return null;
};

/** Starts it; or libxl's messages, with QEMU's own last words in its log. */
export const startQemu = (world: World, d: Domain, disks: readonly Disk[]): Qemu | { readonly error: string } => {
  const c = d.config;
  const trouble = troubleOf(world, d.domid, c, disks);
  if (trouble !== null) {
    if (trouble.log !== null) world.files.put(logPath(c.name), trouble.log, 0o644);
    return {
      error: `${trouble.words}libxl: error: libxl_create.c:1896:domcreate_devmodel_started: Domain ${d.domid}:device model did not start: ${trouble.rc}\n`,
    };
  }
  const screen = screenOf(c);
  const port = screen === null ? null : portFor(world, screen);
  const serials = serialsOf(c).map((s, i) => (s === 'pty' ? `/dev/pts/${100 + d.domid * 4 + i}` : ''));
  const log =
    serials.map((tty, i) => (tty === '' ? '' : `char device redirected to ${tty} (label serial${i})\n`)).join('') +
    (screen === null || port === null ? '' : `VNC server running on ${screen.listen}:${port}\n`) +
    disks
      .filter((x) => x.format === 'empty')
      .map(
        (x) =>
          `xen-qemu-system-i386: failed to create 'qdisk' device '${devidOf(x.vdev) ?? 0}': failed to create drive: Could not stat file '': No such file or directory\n`,
      )
      .join('');
  world.files.put(logPath(c.name), log, 0o644);
  return {
    pid: (world.nextPid += 1),
    dead: false,
    args: argsOf(d, c, screen),
    vnc: screen === null || port === null ? null : { listen: screen.listen, port },
    serials,
  };
};
