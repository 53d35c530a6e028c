/** libxl's stored configuration of a running domain: JSON with a NUL behind it, defaults left out. */
import type { CfgValue, Settings, VmConfig, VmType } from '../../../kinds/vm/spec.ts';
import { printed } from './bytes.ts';
import { settingsOfCfg } from '../cfg/settings.ts';
import { Odd } from '../cfg/values.ts';

export interface StoredConfig {
  readonly name: string | null;
  readonly type: VmType | null;
  readonly maxVcpus: number;
  /** KiB; null: the default. */
  readonly maxMemory: number | null;
  /** As it was started; later changes are not in it. */
  readonly target: number | null;
  readonly boot: VmConfig['boot'];
  /** As it was started. */
  readonly settings: Settings;
  /** Format by vdev. */
  readonly formats: Readonly<Record<string, string>>;
  /** The emulated card, and the VLAN on a Linux bridge, by MAC; only where one is named. */
  readonly cards: Readonly<Record<string, string>>;
  readonly vlans: Readonly<Record<string, number>>;
}

type Json = Readonly<Record<string, unknown>>;

const map = (x: unknown): Json => (typeof x === 'object' && x !== null && !Array.isArray(x) ? (x as Json) : {});
const list = (x: unknown): readonly Json[] => (Array.isArray(x) ? x.map(map) : []);
const text = (x: unknown): string | null => (typeof x === 'string' ? x : null);
const number = (x: unknown): number | null => (typeof x === 'number' ? x : null);

const types: Readonly<Record<string, VmType>> = { pv: 'pv', pvh: 'pvh', hvm: 'hvm' };

/** The same CPUs for every vCPU, as a cfg would have them; null where they differ. */
const cpusOf = (x: unknown): string | null => {
  const sets = Array.isArray(x) ? [...new Set(x.map((set) => (Array.isArray(set) ? set.join(',') : '')))] : [];
  return sets.length === 1 ? (sets[0] ?? null) : null;
};

/** What the cfg said that led to it. `defbool`s are the texts True and False. */
const asCfg = (json: Json): ReadonlyMap<string, CfgValue> => {
  const [create, build] = [map(json['c_info']), map(json['b_info'])];
  const [hvm, sched] = [map(build['type.hvm']), map(build['sched_params'])];
  const [vnc, spice] = [map(hvm['vnc']), map(hvm['spice'])];
  const cfg = new Map<string, CfgValue>();
  const say = (key: string, x: unknown): void => {
    if (x === 'True' || x === 'False') cfg.set(key, x === 'True' ? '1' : '0');
    else if (typeof x === 'number') cfg.set(key, String(x));
    else if (typeof x === 'string') cfg.set(key, x);
    else if (Array.isArray(x)) cfg.set(key, x.map(String));
  };
  const event = (key: string): void => {
    const word = (text(json[key]) ?? 'destroy').replaceAll('_', '-');
    say(key, word === 'restart-rename' ? 'rename-restart' : word);
  };
  say('bootloader', build['bootloader']);
  say('bios', hvm['bios']);
  say('boot', hvm['boot']);
  say('vnc', vnc['enable']);
  say('vnclisten', vnc['listen']);
  say('vncdisplay', vnc['display']);
  say('vncunused', vnc['findunused']);
  say('vncpasswd', vnc['passwd']);
  say('spice', spice['enable']);
  say('spicehost', spice['host']);
  say('spiceport', spice['port']);
  say('spicepasswd', spice['passwd']);
  say('spicedisable_ticketing', spice['disable_ticketing']);
  say('serial', hvm['serial_list'] ?? hvm['serial']);
  say('usbdevice', hvm['usbdevice_list'] ?? hvm['usbdevice']);
  say('cpu_weight', sched['weight']);
  say('cap', sched['cap']);
  say('cpus', cpusOf(build['vcpu_hard_affinity']));
  say('cpus_soft', cpusOf(build['vcpu_soft_affinity']));
  say('pool', create['pool_name']);
  event('on_poweroff');
  event('on_reboot');
  event('on_crash');
  return cfg;
};

const settingsOf = (json: Json, type: VmType): Settings => {
  try {
    return settingsOfCfg(asCfg(json), type).settings;
  } catch (e) {
    // A newer libxl's words are no reason to know nothing of the domain.
    if (!(e instanceof Odd)) throw e;
    return {};
  }
};

/** Null where it is no JSON. */
export const parseStored = (bytes: Uint8Array): StoredConfig | null => {
  let json: Json;
  try {
    json = map(JSON.parse(printed(bytes).replace(/\0+$/, '')));
  } catch {
    return null;
  }
  const [create, build] = [map(json['c_info']), map(json['b_info'])];
  const type = types[text(create['type']) ?? ''] ?? null;
  const formats: Record<string, string> = {};
  for (const disk of list(json['disks'])) {
    const vdev = text(disk['vdev']);
    if (vdev !== null) formats[vdev] = text(disk['format']) ?? 'raw';
  }
  const cards: Record<string, string> = {};
  const vlans: Record<string, number> = {};
  for (const nic of list(json['nics'])) {
    const [mac, model, vlan] = [text(nic['mac'])?.toLowerCase(), text(nic['model']), text(nic['vlan'])];
    if (mac === undefined) continue;
    if (model !== null) cards[mac] = model;
    if (vlan !== null && /^[1-9]\d*$/.test(vlan)) vlans[mac] = Number(vlan);
  }
  return {
    name: text(create['name']),
    type,
    maxVcpus: number(build['max_vcpus']) ?? 1,
    maxMemory: number(build['max_memkb']),
    target: number(build['target_memkb']),
    boot: { kernel: text(build['kernel']), ramdisk: text(build['ramdisk']), cmdline: text(build['cmdline']) },
    settings: type === null ? {} : settingsOf(json, type),
    formats,
    cards,
    vlans,
  };
};
