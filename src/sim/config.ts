/** The configuration of a domain as libxl keeps it, made from the settings of an xl.cfg. */
import { handed, handedOn, vncFields, type HandedOn, type Json } from './build-keys.ts';
import type { Settings, Value } from './cfg.ts';
import { parseCpus, type Cpus } from './cpus.ts';
import { parseDisk, type DiskConfig } from './disk-spec.ts';
import { nicOf, parseNicOption, type NicConfig, type NicOptions } from './nic-spec.ts';
import { parsePci } from './pci-spec.ts';

export const endActions = [
  'destroy',
  'restart',
  'preserve',
  'rename-restart',
  'coredump-destroy',
  'coredump-restart',
  'soft-reset',
] as const;
export type EndAction = (typeof endActions)[number];

/** What libxl stores of a device: `hot`: it came to a running guest, and libxl filled less in. */
type Stored<T> = T & { readonly hot?: true };

export interface DomainConfig {
  readonly type: 'pv' | 'pvh' | 'hvm';
  readonly name: string;
  readonly uuid: string;
  /** Null: none was named. */
  readonly pool: string | null;
  readonly maxVcpus: number;
  readonly vcpus: number;
  /** By vCPU; null: nothing said. */
  readonly hard: readonly Cpus[] | null;
  readonly soft: readonly Cpus[] | null;
  /** False: the affinity was given so that libxl places nothing itself. */
  readonly placed: boolean;
  readonly maxKiB: number;
  readonly targetKiB: number;
  /** What the cfg itself said: libxl's record has no more until the guest has rebooted. */
  readonly said: {
    readonly vcpus: boolean;
    readonly maxVcpus: boolean;
    readonly target: boolean;
    readonly max: boolean;
  };
  /** What was said of the scheduler; `sched` only once libxl has read it back. */
  readonly sched: { readonly sched?: 'credit2'; readonly weight?: number; readonly cap?: number };
  readonly kernel: string | null;
  readonly cmdline: string | null;
  readonly ramdisk: string | null;
  readonly bootloader: string | null;
  readonly more: HandedOn;
  readonly disks: readonly Stored<DiskConfig>[];
  readonly nics: readonly Stored<NicConfig & { readonly madeUp?: true }>[];
  readonly pci: readonly Json[];
  /** The display of a PV guest, which QEMU serves. */
  readonly vfb: Json | null;
  readonly on: Readonly<Record<'poweroff' | 'reboot' | 'watchdog' | 'crash', EndAction>>;
}

/** What of the host a reading of a cfg depends on. `minor`: of Xen 4.x. */
export interface Host {
  readonly cpus: number;
  readonly minor: number;
  readonly hex: (digits: number) => string;
  readonly uuid: () => string;
}

/** What QEMU has of a guest's memory for its screen, in KiB. */
export const videoKiB = (c: Pick<DomainConfig, 'type' | 'more'>): number => {
  const given = c.more.build['video_memkb'];
  if (typeof given === 'number') return given;
  if (c.type !== 'hvm') return 0;
  const kind = handed(c.more.typed, 'vga', 'kind');
  return (kind === 'none' ? 0 : kind === 'std' ? 16 : kind === 'qxl' ? 128 : 8) * 1024;
};

const text = (v: Value | undefined): string | null => (typeof v === 'string' ? v : null);
const number = (v: Value | undefined): number | null => (typeof v === 'string' && v !== '' ? Number(v) : null);
const list = (v: Value | undefined): readonly string[] =>
  v === undefined || typeof v === 'string' ? [] : v.filter((x) => typeof x === 'string');

type Failed = { readonly error: string };
const isFailed = (x: object): x is Failed => 'error' in x;

/** By vCPU: one string counts for all, a list for each in turn. */
const affinity = (v: Value | undefined, vcpus: number, host: Host): readonly Cpus[] | Failed | null => {
  if (v === undefined) return null;
  const words = typeof v === 'string' ? Array.from({ length: vcpus }, () => v) : list(v).slice(0, vcpus);
  const out: Cpus[] = [];
  for (const word of words) {
    const cpus = parseCpus(word, host.cpus);
    if (isFailed(cpus)) return cpus;
    out.push(cpus);
  }
  return out;
};

const actions = (settings: Settings): DomainConfig['on'] | Failed => {
  const out = { poweroff: 'destroy', reboot: 'restart', watchdog: 'destroy', crash: 'destroy' } as Record<
    string,
    EndAction
  >;
  for (const event of ['poweroff', 'reboot', 'watchdog', 'crash']) {
    const said = text(settings.get(`on_${event}`));
    if (said === null) continue;
    const action = endActions.find((a) => a === said);
    if (action === undefined) return { error: `Unknown on_${event} action "${said}" specified\n` };
    out[event] = action;
  }
  return out as DomainConfig['on'];
};

const typeOf = (settings: Settings): DomainConfig['type'] | Failed => {
  const said = text(settings.get('type'));
  const builder = text(settings.get('builder'));
  const built = builder === null ? null : builder === 'hvm' ? 'hvm' : 'pv';
  const type = said ?? built ?? 'pv';
  if (type !== 'pv' && type !== 'pvh' && type !== 'hvm') return { error: `Invalid domain type ${type}.\n` };
  if (built !== null && built !== type) return { error: 'Contradicting "builder" and "type" options specified.\n' };
  return type;
};

const disksOf = (settings: Settings): readonly DiskConfig[] | Failed => {
  const out: DiskConfig[] = [];
  for (const spec of list(settings.get('disk'))) {
    const disk = parseDisk(spec);
    if (isFailed(disk)) return disk;
    out.push(disk);
  }
  return out;
};

/** Options that xl does not know are a warning in a cfg. */
const nicsOf = (settings: Settings, host: Host): { readonly nics: DomainConfig['nics']; readonly warnings: string } => {
  let warnings = '';
  const nics = list(settings.get('vif')).map((spec, devid) => {
    const options: NicOptions = {};
    for (const word of spec.split(',').filter((w) => w !== ''))
      warnings += parseNicOption(word.replace(/^ +/, ''), options, host.minor) ?? '';
    const nic = nicOf(options, devid, host.hex);
    return options.mac === undefined ? { ...nic, madeUp: true as const } : nic;
  });
  return { nics, warnings };
};

const kernelOf = (
  settings: Settings,
  type: DomainConfig['type'],
): { kernel: string | null; warning: string } | Failed => {
  const kernel = text(settings.get('kernel'));
  if (type !== 'hvm') {
    const firmware = text(settings.get('firmware'));
    if (firmware !== null && kernel !== null) return { error: 'ERROR: both kernel and firmware specified\n' };
    const found = firmware === null ? kernel : `/usr/lib/xen/boot/${firmware}.bin`;
    if (found === null && text(settings.get('bootloader')) === null)
      return { error: 'Neither kernel nor bootloader specified\n' };
    return { kernel: found, warning: '' };
  }
  return kernel?.split('/').at(-1) === 'hvmloader'
    ? {
        kernel: null,
        warning:
          'WARNING: you seem to be using "kernel" directive to override HVM guest firmware. Ignore that. Use "firmware_override" instead if you really want a non-default firmware\n',
      }
    : { kernel, warning: '' };
};

const cmdlineOf = (settings: Settings): string | null => {
  const root = text(settings.get('root'));
  const extra = text(settings.get('extra'));
  const joined = [root === null ? null : `root=${root}`, extra].filter((x) => x !== null).join(' ');
  return text(settings.get('cmdline')) ?? (joined === '' ? null : joined);
};

/** A PV guest's `vnc=1` is short for a framebuffer. */
const vfbOf = (settings: Settings, type: DomainConfig['type']): Json | null => {
  const [spec] = list(settings.get('vfb'));
  if (spec !== undefined) {
    const words = spec.split(',').map((w) => w.trim().split('='));
    return { devid: 0, vnc: vncFields(new Map(words.map(([key = '', value = '']) => [key, value]))), sdl: {} };
  }
  const on = type === 'pv' && (number(settings.get('vnc')) ?? 0) !== 0;
  return on ? { devid: 0, vnc: vncFields(settings), sdl: {} } : null;
};

const schedOf = (settings: Settings): DomainConfig['sched'] => {
  const weight = number(settings.get('cpu_weight'));
  const cap = number(settings.get('cap'));
  return { ...(weight === null ? {} : { weight }), ...(cap === null ? {} : { cap }) };
};

/** What `xl create` makes of the settings, or its complaint (exit code 1). */
export const domainConfig = (
  settings: Settings,
  host: Host,
): { readonly config: DomainConfig; readonly warnings: string } | Failed => {
  const type = typeOf(settings);
  if (typeof type === 'object') return type;
  const name = text(settings.get('name'));
  if (name === null) return { error: 'Domain name must be specified.\n' };
  const uuid = text(settings.get('uuid'))?.toLowerCase() ?? host.uuid();
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(uuid)) return { error: `Failed to parse UUID: ${uuid}\n` };
  const vcpus = Math.max(1, number(settings.get('vcpus')) ?? 1);
  const maxVcpus = number(settings.get('maxvcpus')) ?? vcpus;
  if (maxVcpus < vcpus) return { error: 'xl: maxvcpus < vcpus\n' };
  const hard = affinity(settings.get('cpus'), maxVcpus, host);
  if (hard !== null && isFailed(hard)) return hard;
  const soft = affinity(settings.get('cpus_soft'), maxVcpus, host);
  if (soft !== null && isFailed(soft)) return soft;
  const memory = number(settings.get('memory')) ?? number(settings.get('maxmem')) ?? 32;
  const maxmem = number(settings.get('maxmem')) ?? memory;
  const on = actions(settings);
  if (isFailed(on)) return on;
  const pci = parsePci(list(settings.get('pci')), settings);
  if ('error' in pci) return pci;
  const kernel = kernelOf(settings, type);
  if (isFailed(kernel)) return kernel;
  const disks = disksOf(settings);
  if (isFailed(disks)) return disks;
  const { nics, warnings } = nicsOf(settings, host);
  const more = handedOn(settings, type);
  return {
    warnings: kernel.warning + warnings,
    config: {
      type,
      name,
      uuid,
      pool: text(settings.get('pool')),
      vcpus,
      maxVcpus,
      hard,
      soft,
      placed: soft === null && typeof settings.get('cpus') !== 'object',
      targetKiB: memory * 1024,
      maxKiB: maxmem * 1024,
      said: {
        vcpus: settings.has('vcpus'),
        maxVcpus: settings.has('vcpus') || settings.has('maxvcpus'),
        target: settings.has('memory'),
        max: settings.has('memory') || settings.has('maxmem'),
      },
      sched: schedOf(settings),
      kernel: kernel.kernel,
      ramdisk: text(settings.get('ramdisk')),
      cmdline: cmdlineOf(settings),
      bootloader: text(settings.get('bootloader')),
      more: pci.devices.length > 0 && type === 'pv' ? { ...more, typed: { ...more.typed, e820_host: 'True' } } : more,
      disks,
      nics,
      pci: pci.devices,
      vfb: vfbOf(settings, type),
      on,
    },
  };
};
