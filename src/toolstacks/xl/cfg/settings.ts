/** The keys of an xl.cfg that are one setting each ↔ settings. A key whose value no setting can hold is left to the others. */
import { digestText, sameValue } from '../../../core/digest.ts';
import { loaderName } from '../../../kinds/vm/boot.ts';
import { isPerVcpu, parseCpus, setsOf, together } from '../../../kinds/vm/cpus.ts';
import { fields } from '../../../kinds/vm/fields.ts';
import type {
  BootDevice,
  CfgSetting,
  CfgValue,
  OnEvent,
  Secret,
  SettingName,
  Settings,
  SettingValue,
  VmType,
} from '../../../kinds/vm/spec.ts';
import { looseNumber, Odd, textOf, type CfgSettings } from './values.ts';
import { table } from '../../../core/table.ts';

export interface Spoken {
  readonly settings: Settings;
  /** The keys that the settings tell whole. */
  readonly keys: ReadonlySet<string>;
}

/** What VNC display 0 listens on. */
const firstPort = 5900;

const letters: Readonly<Record<BootDevice, string>> = { disk: 'c', cdrom: 'd', network: 'n' };
const devices: Readonly<Record<string, BootDevice>> = table({ c: 'disk', d: 'cdrom', n: 'network' });

const events: ReadonlySet<string> = new Set<OnEvent>([
  'destroy',
  'restart',
  'preserve',
  'rename-restart',
  'coredump-destroy',
  'coredump-restart',
]);

/** A password as it stands there; one of asterisks only was masked, and nobody knows it. */
const kept = (password: string): Secret => ({
  secret: 'kept',
  digest: /^\*+$/.test(password) ? null : digestText(password),
});

const orderOf = (boot: string): readonly BootDevice[] | undefined => {
  const order = boot.split('').map((c) => devices[c]);
  const whole = order.filter((d) => d !== undefined);
  return whole.length > 0 && whole.length === order.length && new Set(whole).size === whole.length ? whole : undefined;
};

/** How many vCPUs a cfg gives a domain at most. */
const vcpusIn = (s: CfgSettings): number => looseNumber(s, 'maxvcpus') ?? looseNumber(s, 'vcpus') ?? 1;

/** What a cfg says of settings. Refuses what xl would refuse. */
export const settingsOfCfg = (s: CfgSettings, type: VmType): Spoken => {
  const settings: Record<string, SettingValue> = table();
  const keys = new Set<string>();
  const say = (name: SettingName | null, value: SettingValue | undefined, ...from: readonly string[]): void => {
    if (value === undefined) return;
    if (name !== null) settings[name] = value;
    for (const key of from) keys.add(key);
  };
  const word = (key: string): string | undefined => {
    const v = s.get(key);
    return typeof v === 'string' && v !== '' ? v : undefined;
  };
  const flag = (key: string): boolean | undefined => {
    const n = looseNumber(s, key);
    return n === undefined ? undefined : n !== 0;
  };
  const set = (text: unknown): string | undefined => {
    const parsed = parseCpus(typeof text === 'string' ? text : '');
    return 'cpus' in parsed ? parsed.cpus : undefined;
  };
  /** One set for all vCPUs, or a list of one for each. */
  const cpus = (key: string): string | undefined => {
    const v = s.get(key);
    if (v === undefined || typeof v === 'string') return set(v);
    const sets = v.map(set);
    const known = sets.filter((x) => x !== undefined);
    // One for a vCPU that is not there stays as it is.
    return known.length === sets.length && known.length > 0 && known.length <= vcpusIn(s)
      ? together(setsOf(known.length === 1 ? `${known[0]}; all` : known.join('; '), vcpusIn(s)))
      : undefined;
  };
  const event = (key: string): OnEvent | undefined => {
    const v = textOf(s, key);
    if (v === null || v === 'soft-reset') return undefined;
    if (!events.has(v)) throw new Odd(`${key} = ${v}: xl knows no such action`);
    return v as OnEvent;
  };

  if (type === 'hvm') sayHvm(s, say, word, flag);
  else {
    const bootloader = word('bootloader');
    say('boot.bootloader', bootloader === undefined ? undefined : loaderName(bootloader), 'bootloader');
  }
  const weight = looseNumber(s, 'cpu_weight');
  say('sched.weight', weight === 0 ? undefined : weight, 'cpu_weight');
  say('sched.cap', looseNumber(s, 'cap'), 'cap');
  say('affinity.hard', cpus('cpus'), 'cpus');
  say('affinity.soft', cpus('cpus_soft'), 'cpus_soft');
  say('cpupool', word('pool'), 'pool');
  say('on.poweroff', event('on_poweroff'), 'on_poweroff');
  say('on.reboot', event('on_reboot'), 'on_reboot');
  say('on.crash', event('on_crash'), 'on_crash');
  return { settings, keys };
};

type Say = (name: SettingName | null, value: SettingValue | undefined, ...from: readonly string[]) => void;

/** What only HVM has: firmware, and what QEMU shows and emulates. */
const sayHvm = (
  s: CfgSettings,
  say: Say,
  word: (key: string) => string | undefined,
  flag: (key: string) => boolean | undefined,
): void => {
  const bios = textOf(s, 'bios');
  if (bios !== null && bios !== 'seabios' && bios !== 'rombios' && bios !== 'ovmf')
    throw new Odd(`bios = ${bios}: xl knows seabios, rombios and ovmf`);
  say('boot.firmware', bios === null ? undefined : bios === 'ovmf' ? 'uefi' : 'bios', 'bios');
  say('boot.order', orderOf(word('boot') ?? ''), 'boot');

  say('display.vnc', flag('vnc'), 'vnc');
  const listen = word('vnclisten');
  // `0.0.0.0:1` names a display as well.
  say('display.vnc.listen', /^[^:]*:\d+$/.test(listen ?? '') ? undefined : listen, 'vnclisten');
  const display = s.has('vncdisplay') ? looseNumber(s, 'vncdisplay') : 0;
  // With vncunused (which is Xen's own) a display is only where the search begins.
  if (display !== undefined && flag('vncunused') === false)
    say('display.vnc.port', firstPort + display, 'vncdisplay', 'vncunused');
  else if (display === 0 && (s.has('vncdisplay') || s.has('vncunused')))
    say('display.vnc.port', null, 'vncdisplay', 'vncunused');
  const password = (key: string): Secret | null | undefined => {
    const v = s.get(key);
    return typeof v === 'string' ? (v === '' ? null : kept(v)) : undefined;
  };
  say('display.vnc.password', password('vncpasswd'), 'vncpasswd');

  const spice = flag('spice');
  say('display.spice', spice, 'spice');
  say('display.spice.listen', word('spicehost'), 'spicehost');
  const port = looseNumber(s, 'spiceport');
  say('display.spice.port', port === 0 ? undefined : port, 'spiceport');
  const open = flag('spicedisable_ticketing') === true;
  const secret = password('spicepasswd');
  // A password that nobody is asked for stands there without meaning.
  if (!open || secret === null) say('display.spice.password', secret, 'spicepasswd');
  if (open ? spice === true : secret) say(null, true, 'spicedisable_ticketing');

  const port0 = s.get('serial');
  const lone = typeof port0 === 'object' && port0.length === 1 ? port0[0] : port0;
  say('serial', typeof lone === 'string' && lone !== '' ? lone : undefined, 'serial');
  const usb = s.get('usbdevice');
  const one = typeof usb === 'string' ? usb : usb?.length === 1 ? usb[0] : undefined;
  say('tablet', one === 'tablet' ? true : undefined, 'usbdevice');
};

/** A password's value; null where nobody knows it. */
export type SecretOf = (secret: Secret) => string | null;

/** CPUs of a domain whose vCPUs differ are told as `0; 1`, vCPU by vCPU: a list in a cfg. */
const affinityOf = (cpus: string): CfgValue => (isPerVcpu(cpus) ? cpus.split('; ') : cpus);

/** What has to be written: neither what is Xen's own, nor what this type of guest has not. */
export const toWrite = (given: Settings, type: VmType): Settings =>
  table(
    fields.flatMap(({ name, types, fallback }) => {
      const v = given[name];
      return v === undefined || !types.includes(type) || sameValue(v, fallback) ? [] : [[name, v]];
    }),
  );

/** The keys that say them, in a fixed order. */
export const keysOfSettings = (given: Settings, type: VmType, secretOf: SecretOf): readonly CfgSetting[] => {
  const s = toWrite(given, type);
  const key = (name: string, value: CfgValue | number | null | undefined): readonly CfgSetting[] =>
    value === null || value === undefined
      ? []
      : [{ key: name, value: typeof value === 'number' ? String(value) : value }];
  const password = (name: string, secret: Secret | null | undefined): readonly CfgSetting[] => {
    if (!secret) return [];
    const value = secretOf(secret);
    if (value === null)
      throw new Odd(
        secret.secret === 'kept' ? `nobody knows the password that ${name} had` : `${secret.secret} has no value`,
      );
    return key(name, value);
  };
  const vncPort = s['display.vnc.port'] ?? null;
  if (vncPort !== null && vncPort < firstPort) throw new Odd(`VNC cannot listen on a port below ${firstPort}`);
  const open = s['display.spice'] === true && !s['display.spice.password'];
  return [
    ...key('bootloader', s['boot.bootloader']),
    ...key('bios', s['boot.firmware'] && 'ovmf'),
    ...key('boot', s['boot.order']?.map((d) => letters[d]).join('')),
    ...key('vnc', s['display.vnc'] === false ? 0 : null),
    ...key('vnclisten', s['display.vnc.listen']),
    ...(vncPort === null ? [] : [...key('vncdisplay', vncPort - firstPort), ...key('vncunused', 0)]),
    ...password('vncpasswd', s['display.vnc.password']),
    ...key('spice', s['display.spice'] ? 1 : null),
    ...key('spicehost', s['display.spice.listen']),
    ...key('spiceport', s['display.spice.port']),
    ...password('spicepasswd', s['display.spice.password']),
    ...key('spicedisable_ticketing', open ? 1 : null),
    ...key('serial', s.serial),
    ...key('usbdevice', s.tablet ? 'tablet' : null),
    ...key('cpu_weight', s['sched.weight']),
    ...key('cap', s['sched.cap']),
    ...key('cpus', s['affinity.hard'] && affinityOf(s['affinity.hard'])),
    ...key('cpus_soft', s['affinity.soft'] && affinityOf(s['affinity.soft'])),
    ...key('pool', s.cpupool),
    ...key('on_poweroff', s['on.poweroff']),
    ...key('on_reboot', s['on.reboot']),
    ...key('on_crash', s['on.crash']),
  ];
};
