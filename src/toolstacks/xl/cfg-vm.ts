/** An xl.cfg's settings ↔ what Reeve knows of a VM; what it has no word for is kept in order. */
import type { CfgSetting, CfgValue, DiskConfig, NicConfig, VmConfig, VmType } from '../../kinds/vm/spec.ts';
import { writeCfg, type Written } from './cfg-write.ts';
import { parseDisk, writeDisk } from './disk-string.ts';
import { parseNic, writeNic } from './vif-string.ts';

/** The keys that `VmConfig` has words for; all others are its `extra`. */
const owned: ReadonlySet<string> = new Set([
  'name',
  'uuid',
  'type',
  'builder',
  'memory',
  'maxmem',
  'vcpus',
  'maxvcpus',
  'kernel',
  'ramdisk',
  'cmdline',
  'root',
  'extra',
  'disk',
  'vif',
]);

/** What xl gives a domain whose cfg names no memory. */
const defaultMemory = 32 * 1024;

export type VmParsed = { readonly ok: true; readonly config: VmConfig } | { readonly ok: false; readonly why: string };

/** Thrown inside this file only. */
class Odd {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

type Settings = ReadonlyMap<string, CfgValue>;

const text = (s: Settings, key: string): string | null => {
  const v = s.get(key);
  if (v === undefined) return null;
  if (typeof v !== 'string') throw new Odd(`${key} is a list and should be one value`);
  return v;
};

/** As C's strtol with base 0: decimal, 0x… or 0… (octal). */
const number = (s: Settings, key: string): number | null => {
  const v = text(s, key);
  if (v === null) return null;
  const digits = v.replace(/^[ \t]*\+?/, '');
  const n = /^0[0-7]+$/.test(digits)
    ? parseInt(digits, 8)
    : /^(?:0|[1-9]\d*|0x[0-9a-f]+)$/i.test(digits)
      ? Number(digits)
      : -1;
  if (n < 0) throw new Odd(`${key} = ${v}: not a number`);
  return n;
};

const strings = (s: Settings, key: string): readonly string[] => {
  const v = s.get(key);
  if (v === undefined) return [];
  if (typeof v === 'string') throw new Odd(`${key} is one value and should be a list: xl ignores it`);
  return v.map((x) => {
    if (typeof x !== 'string') throw new Odd(`${key} has a list in its list`);
    return x;
  });
};

const typeOf = (s: Settings): VmType => {
  const type = text(s, 'type');
  if (type !== null && type !== 'pv' && type !== 'pvh' && type !== 'hvm') throw new Odd(`type = ${type}: no such type`);
  const builder = text(s, 'builder');
  if (builder === null) return type ?? 'pv';
  const old = 'hvm'.startsWith(builder) ? 'hvm' : 'generic'.startsWith(builder) ? 'pv' : null;
  if (old === null) throw new Odd(`builder = ${builder}: xl knows hvm and generic`);
  if (type !== null && type !== old) throw new Odd(`type = ${type} contradicts builder = ${builder}`);
  return old;
};

const cmdlineOf = (s: Settings): string | null => {
  const [cmdline, root, extra] = [text(s, 'cmdline'), text(s, 'root'), text(s, 'extra')];
  if (cmdline !== null) return cmdline;
  if (root === null) return extra;
  return extra === null ? `root=${root}` : `root=${root} ${extra}`;
};

const disksOf = (s: Settings): Record<string, DiskConfig> => {
  const disks: Record<string, DiskConfig> = {};
  for (const item of strings(s, 'disk')) {
    const parsed = parseDisk(item);
    if (!parsed.ok) throw new Odd(parsed.why);
    if (disks[parsed.vdev]) throw new Odd(`two disks are ${parsed.vdev}`);
    disks[parsed.vdev] = parsed.disk;
  }
  return disks;
};

const nicsOf = (s: Settings): readonly NicConfig[] =>
  strings(s, 'vif').map((item) => {
    const parsed = parseNic(item);
    if (!parsed.ok) throw new Odd(parsed.why);
    return parsed.nic;
  });

/** xl takes memory and vCPUs with or without their maximum; the maximum may not be the smaller one. */
const pair = (what: string, now: number | null, max: number | null, fallback: number): [number, number] => {
  const low = now ?? max ?? fallback;
  const high = max ?? low;
  if (low > high) throw new Odd(`${what}: ${low} is more than its maximum, ${high}`);
  return [low, high];
};

/** What a cfg says, once parsed (`effective`). Refuses what xl would refuse or ignore with a warning. */
export const vmOfCfg = (s: Settings): VmParsed => {
  try {
    const name = text(s, 'name');
    if (name === null || name === '') throw new Odd('it names no domain: `name` is missing');
    const uuid = text(s, 'uuid');
    if (uuid !== null && !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid))
      throw new Odd(`uuid = ${uuid}: no UUID`);
    const type = typeOf(s);
    const mib = (key: string): number | null => {
      const n = number(s, key);
      return n === null ? null : n * 1024;
    };
    const [target, maxMemory] = pair('memory', mib('memory'), mib('maxmem'), defaultMemory);
    const vcpus = number(s, 'vcpus');
    const [count, maxVcpus] = pair('vcpus', vcpus ?? 1, number(s, 'maxvcpus'), 1);
    const kernel = text(s, 'kernel');
    return {
      ok: true,
      config: {
        name,
        uuid: uuid?.toLowerCase() ?? null,
        type,
        vcpus: { count, max: maxVcpus },
        memory: { target, max: maxMemory },
        boot: {
          // xm's way to say HVM; xl warns and ignores it.
          kernel: type === 'hvm' && kernel?.split('/').at(-1) === 'hvmloader' ? null : kernel,
          ramdisk: text(s, 'ramdisk'),
          cmdline: cmdlineOf(s),
        },
        disks: disksOf(s),
        nics: nicsOf(s),
        extra: [...s].filter(([key]) => !owned.has(key)).map(([key, value]) => ({ key, value })),
      },
    };
  } catch (e) {
    if (!(e instanceof Odd)) throw e;
    return { ok: false, why: e.why };
  }
};

const settingsOf = (c: VmConfig): readonly CfgSetting[] => {
  const whole = (kib: number, what: string): string => {
    if (!Number.isInteger(kib / 1024)) throw new Odd(`${what} of ${kib} KiB is no whole number of MiB`);
    return String(kib / 1024);
  };
  const given = (key: string, value: CfgValue | null): readonly CfgSetting[] =>
    value === null ? [] : [{ key, value }];
  const list = (key: string, items: readonly (string | null)[]): readonly CfgSetting[] => {
    if (items.length === 0) return [];
    const value = items.map((x, i) => {
      if (x === null) throw new Odd(`${key} ${i + 1} holds what xl's syntax cannot say`);
      return x;
    });
    return [{ key, value }];
  };
  const claimed = c.extra.find((x) => owned.has(x.key));
  if (claimed) throw new Odd(`${claimed.key} is set by Reeve itself`);
  return [
    { key: 'name', value: c.name },
    ...given('uuid', c.uuid),
    { key: 'type', value: c.type },
    { key: 'memory', value: whole(c.memory.target, 'memory') },
    { key: 'maxmem', value: whole(c.memory.max, 'maxmem') },
    { key: 'vcpus', value: String(c.vcpus.count) },
    { key: 'maxvcpus', value: String(c.vcpus.max) },
    ...given('kernel', c.boot.kernel),
    ...given('ramdisk', c.boot.ramdisk),
    ...given('cmdline', c.boot.cmdline),
    ...list(
      'disk',
      Object.entries(c.disks).map(([vdev, disk]) => writeDisk(vdev, disk)),
    ),
    ...list('vif', c.nics.map(writeNic)),
    ...c.extra,
  ];
};

/** The settings as text, in a fixed order; maxmem and maxvcpus always. Refuses what an xl.cfg cannot say. */
export const cfgOfVm = (c: VmConfig): Written => {
  try {
    return writeCfg(settingsOf(c));
  } catch (e) {
    if (!(e instanceof Odd)) throw e;
    return { ok: false, why: e.why };
  }
};
