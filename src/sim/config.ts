/** The configuration of a domain as libxl keeps it, made from the settings of an xl.cfg. */
import type { Random } from './random.ts';
import type { Settings, Value } from './cfg.ts';

export interface DiskConfig {
  readonly path: string;
  readonly vdev: string;
  readonly format: string;
  readonly readwrite: boolean;
  readonly cdrom: boolean;
}

export interface NicConfig {
  readonly devid: number;
  readonly mac: string;
  /** Null: none was given; libxl then takes xenbr0 and does not write that down. */
  readonly bridge: string | null;
}

export type EndAction = 'destroy' | 'restart' | 'preserve' | 'rename-restart';

export interface DomainConfig {
  readonly type: 'pv' | 'pvh' | 'hvm';
  readonly name: string;
  readonly uuid: string;
  readonly maxVcpus: number;
  readonly vcpus: number;
  readonly maxKiB: number;
  readonly targetKiB: number;
  readonly weight: number | null;
  readonly kernel: string | null;
  readonly cmdline: string | null;
  readonly ramdisk: string | null;
  readonly bootloader: string | null;
  readonly disks: readonly DiskConfig[];
  readonly nics: readonly NicConfig[];
  readonly on: { readonly poweroff: EndAction; readonly reboot: EndAction; readonly crash: EndAction };
}

/** `xvda` → 51712; undefined where it is no device name. */
export const devidOf = (vdev: string): number | undefined => {
  const m = /^(xvd|hd|sd)([a-z]{1,2})(\d*)$/.exec(vdev);
  if (m === null) return undefined;
  const [, family = '', letters = '', digits = ''] = m;
  const disk = letters.split('').reduce((n, c) => n * 26 + c.charCodeAt(0) - 96, 0) - 1;
  const part = digits === '' ? 0 : Number(digits);
  if (family === 'hd') return disk < 4 ? ((disk < 2 ? 3 : 22) << 8) + 64 * (disk % 2) + part : undefined;
  if (family === 'sd') return (8 << 8) + 16 * disk + part;
  return disk < 16 && part < 16 ? (202 << 8) + 16 * disk + part : (1 << 28) + (disk << 8) + part;
};

/** What xl says of a disk that it cannot read, or the disk. */
export const parseDisk = (spec: string): DiskConfig | { readonly error: string } => {
  const bad = (why: string, near: string): { readonly error: string } => ({
    error: `config parsing error in disk specification: ${why}: near \`${near}' in \`${spec}'\n`,
  });
  const m = /(?:^|,)\s*target=(.*)$/.exec(spec);
  let path = m?.[1] ?? null;
  const words = (m === null ? spec : spec.slice(0, m.index)).split(',').map((w) => w.trim());
  let format = 'raw';
  let vdev: string | null = null;
  let access = 'rw';
  let cdrom = false;
  let position = 0;
  for (const word of words) {
    if (word === '' && m !== null) continue;
    const [, key, rest = ''] = /^([a-z-]+)=(.*)$/.exec(word) ?? [];
    if (key === 'format') format = rest;
    else if (key === 'vdev') vdev = rest;
    else if (key === 'access') access = rest;
    else if (key === 'devtype') cdrom = rest === 'cdrom';
    else if (word === 'cdrom') cdrom = true;
    else if (key !== undefined || ['discard', 'no-discard', 'direct-io-safe'].includes(word)) continue;
    else if (position === 0 && path === null) path = word.replace(/^(?:file|phy|raw):/, '');
    else {
      position += 1;
      const old = words[0] !== undefined && /^(?:file|phy|raw):/.test(words[0]);
      if (position === 1 && !old && devidOf(word) === undefined) format = word === '' ? 'raw' : word;
      else if (vdev === null) vdev = word;
      else access = word;
    }
  }
  if (!['r', 'ro', 'w', 'rw'].includes(access)) return bad('unknown value for access', access);
  if (!['raw', 'qcow', 'qcow2', 'vhd', 'qed'].includes(format)) return bad('unknown value for format', format);
  if (vdev === null) return bad('no vdev specified', spec);
  return { path: path ?? '', vdev, format, readwrite: access.includes('w') && !cdrom, cdrom };
};

export interface NicOptions {
  mac?: string;
  bridge?: string;
}

const nicKeys = /^(?:mac|bridge|type|ip|script|vifname|rate|model|accel|netdev|backend|gatewaydev|devid|trusted|mtu)$/;

/** Takes one `key=value` in; false where xl does not know the key. */
export const parseNicOption = (word: string, into: NicOptions): boolean => {
  const [, key, rest = ''] = /^([a-z]+)=(.*)$/.exec(word) ?? [];
  if (key === undefined || !nicKeys.test(key)) return false;
  // xl reads six hex pairs and ignores what follows them.
  const mac = /^(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/i.exec(rest)?.[0];
  if (key === 'mac' && mac !== undefined) into.mac = mac.toLowerCase();
  if (key === 'bridge') into.bridge = rest;
  return true;
};

const text = (v: Value | undefined): string | null => (typeof v === 'string' ? v : null);
const number = (v: Value | undefined): number | null => (typeof v === 'string' && v !== '' ? Number(v) : null);
const list = (v: Value | undefined): readonly string[] =>
  v === undefined ? [] : typeof v === 'string' ? [v] : v.filter((x) => typeof x === 'string');

const action = (v: Value | undefined, otherwise: EndAction): EndAction => {
  const t = text(v);
  return t === 'destroy' || t === 'restart' || t === 'preserve' || t === 'rename-restart' ? t : otherwise;
};

/** What `xl create` makes of the settings, or its complaint (exit code 1). */
export const domainConfig = (
  settings: Settings,
  random: Random,
): { readonly config: DomainConfig } | { readonly error: string } => {
  const name = text(settings.get('name'));
  if (name === null) return { error: 'xl: error: Domain name must be specified.\n' };
  const builder = text(settings.get('builder'));
  const type = text(settings.get('type')) ?? (builder === 'hvm' ? 'hvm' : 'pv');
  if (type !== 'pv' && type !== 'pvh' && type !== 'hvm') return { error: `Invalid domain type ${type}.\n` };
  const vcpus = number(settings.get('vcpus')) ?? 1;
  const maxVcpus = number(settings.get('maxvcpus')) ?? vcpus;
  if (maxVcpus < vcpus) return { error: 'xl: maxvcpus < vcpus\n' };
  const memory = number(settings.get('memory')) ?? 32;
  const maxmem = number(settings.get('maxmem')) ?? memory;
  if (maxmem < memory) return { error: 'xl: maxmem < memory\n' };
  if (type !== 'hvm' && text(settings.get('kernel')) === null && text(settings.get('bootloader')) === null)
    return { error: 'Neither kernel nor bootloader specified\n' };
  const uuid = text(settings.get('uuid'))?.toLowerCase() ?? random.uuid();
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(uuid)) return { error: `Failed to parse UUID: ${uuid}\n` };
  const disks: DiskConfig[] = [];
  for (const spec of list(settings.get('disk'))) {
    const disk = parseDisk(spec);
    if ('error' in disk) return disk;
    disks.push(disk);
  }
  const nics = list(settings.get('vif')).map((spec, devid): NicConfig => {
    const options: NicOptions = {};
    for (const word of spec.split(',')) parseNicOption(word.trim(), options);
    return {
      devid,
      mac: options.mac ?? `00:16:3e:${random.hex(2)}:${random.hex(2)}:${random.hex(2)}`,
      bridge: options.bridge ?? null,
    };
  });
  const root = text(settings.get('root'));
  const extra = text(settings.get('extra'));
  const cmdline =
    text(settings.get('cmdline')) ??
    ([root === null ? null : `root=${root}`, extra].filter((x) => x !== null).join(' ') || null);
  return {
    config: {
      type,
      name,
      uuid,
      vcpus,
      maxVcpus,
      targetKiB: memory * 1024,
      maxKiB: maxmem * 1024,
      weight: number(settings.get('cpu_weight')),
      kernel: text(settings.get('kernel')),
      ramdisk: text(settings.get('ramdisk')),
      cmdline,
      bootloader: text(settings.get('bootloader')),
      disks,
      nics,
      on: {
        poweroff: action(settings.get('on_poweroff'), 'destroy'),
        reboot: action(settings.get('on_reboot'), 'restart'),
        crash: action(settings.get('on_crash'), 'destroy'),
      },
    },
  };
};
