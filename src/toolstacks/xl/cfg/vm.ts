/** An xl.cfg's settings ↔ what Reeve knows of a VM; what it has no word for is kept in order. */
import type { CfgSetting, CfgValue, DiskConfig, NicConfig, VmConfig, VmType } from '../../../kinds/vm/spec.ts';
import { keysOfSettings, settingsOfCfg, type SecretOf } from './settings.ts';
import { hasCover, uncovered } from './covered.ts';
import { numberOf, Odd, textOf, textsOf, type CfgSettings } from './values.ts';
import { writeCfg, type Written } from './write.ts';
import { parseDisk, writeCdrom, writeDisk } from './disk-string.ts';
import { parseNic, writeNic } from './vif-string.ts';
import { cover } from '../../../core/password.ts';
import { table } from '../../../core/table.ts';

/** Always said by `VmConfig` itself; those of its settings are `settingsOfCfg`'s, and all others are its `extra`. */
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

const typeOf = (s: CfgSettings): VmType => {
  const type = textOf(s, 'type');
  if (type !== null && type !== 'pv' && type !== 'pvh' && type !== 'hvm') throw new Odd(`type = ${type}: no such type`);
  const builder = textOf(s, 'builder');
  if (builder === null) return type ?? 'pv';
  const old = 'hvm'.startsWith(builder) ? 'hvm' : 'generic'.startsWith(builder) ? 'pv' : null;
  if (old === null) throw new Odd(`builder = ${builder}: xl knows hvm and generic`);
  if (type !== null && type !== old) throw new Odd(`type = ${type} contradicts builder = ${builder}`);
  return old;
};

const cmdlineOf = (s: CfgSettings): string | null => {
  const [cmdline, root, extra] = [textOf(s, 'cmdline'), textOf(s, 'root'), textOf(s, 'extra')];
  if (cmdline !== null) return cmdline;
  if (root === null) return extra;
  return extra === null ? `root=${root}` : `root=${root} ${extra}`;
};

/** As Xen prints it; it reads one with or without its dashes. */
const plainUuid = (uuid: string): string | null => {
  if (!/^(?:-?[0-9a-f]{2}){16}$/i.test(uuid)) return null;
  const [, ...parts] = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(uuid.replaceAll('-', '').toLowerCase()) ?? [];
  return parts.join('-');
};

const disksOf = (s: CfgSettings): Pick<VmConfig, 'disks' | 'cdroms'> => {
  const disks: Record<string, DiskConfig> = table();
  const cdroms: Record<string, { readonly path: string }> = table();
  for (const item of textsOf(s, 'disk')) {
    const parsed = parseDisk(item);
    if (!parsed.ok) throw new Odd(parsed.why);
    const { vdev } = parsed;
    if (disks[vdev] ?? cdroms[vdev]) throw new Odd(`two disks are ${vdev}`);
    if (parsed.is === 'disk') disks[vdev] = parsed.disk;
    else cdroms[vdev] = { path: parsed.path };
  }
  return { disks, cdroms };
};

const nicsOf = (s: CfgSettings): readonly NicConfig[] =>
  textsOf(s, 'vif').map((item) => {
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
export const vmOfCfg = (s: CfgSettings): VmParsed => {
  try {
    const name = textOf(s, 'name');
    if (name === null || name === '') throw new Odd('it names no domain: `name` is missing');
    const uuid = textOf(s, 'uuid');
    if (uuid !== null && plainUuid(uuid) === null) throw new Odd(`uuid = ${uuid}: no UUID`);
    const type = typeOf(s);
    const mib = (key: string): number | null => {
      const n = numberOf(s, key);
      return n === null ? null : n * 1024;
    };
    const [target, maxMemory] = pair('memory', mib('memory'), mib('maxmem'), defaultMemory);
    const vcpus = numberOf(s, 'vcpus');
    const [count, maxVcpus] = pair('vcpus', vcpus ?? 1, numberOf(s, 'maxvcpus'), 1);
    const kernel = textOf(s, 'kernel');
    const { settings, keys } = settingsOfCfg(s, type);
    return {
      ok: true,
      config: {
        name,
        uuid: uuid === null ? null : plainUuid(uuid),
        type,
        vcpus: { count, max: maxVcpus },
        memory: { target, max: maxMemory },
        boot: {
          // xm's way to say HVM; xl warns and ignores it.
          kernel: type === 'hvm' && kernel?.split('/').at(-1) === 'hvmloader' ? null : kernel,
          ramdisk: textOf(s, 'ramdisk') || null,
          cmdline: cmdlineOf(s) || null,
        },
        settings,
        ...disksOf(s),
        nics: nicsOf(s),
        extra: [...s].filter(([key]) => !owned.has(key) && !keys.has(key)).map(([key, value]) => ({ key, value })),
      },
    };
  } catch (e) {
    if (!(e instanceof Odd)) throw e;
    return { ok: false, why: e.why };
  }
};

const keysOf = (c: VmConfig, secretOf: SecretOf): readonly CfgSetting[] => {
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
  const settings = keysOfSettings(c.settings, c.type, secretOf);
  const said = new Set(settings.map((x) => x.key));
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
    ...list('disk', [
      ...Object.entries(c.disks).map(([vdev, disk]) => writeDisk(vdev, disk)),
      ...Object.entries(c.cdroms).map(([vdev, { path }]) => writeCdrom(vdev, path)),
    ]),
    ...list('vif', c.nics.map(writeNic)),
    ...settings,
    ...c.extra.filter((x) => !said.has(x.key)),
  ];
};

/** What a cfg says, as Reeve would say it; null where it cannot be read. */
const saidBy = (s: CfgSettings): readonly CfgSetting[] | null => {
  const vm = vmOfCfg(s);
  try {
    return vm.ok ? keysOf(vm.config, () => cover) : null;
  } catch (e) {
    if (!(e instanceof Odd)) throw e;
    return null;
  }
};

/**
 * The settings as text, in a fixed order; maxmem and maxvcpus always, and of the others what is not Xen's own. `secretOf`:
 * a password's value, null where it is not known. `standing`: the cfg that has the passwords within other values. Refuses
 * what an xl.cfg cannot say.
 */
export const cfgOfVm = (c: VmConfig, secretOf: SecretOf = () => null, standing: CfgSettings = new Map()): Written => {
  try {
    const keys = keysOf(c, secretOf);
    return writeCfg(hasCover(keys) ? uncovered(keys, saidBy(standing) ?? []) : keys);
  } catch (e) {
    if (!(e instanceof Odd)) throw e;
    return { ok: false, why: e.why };
  }
};
