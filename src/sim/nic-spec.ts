/** Network interfaces of an xl.cfg or of network-attach, as xl reads them option by option. */
import { table } from '../core/table.ts';

export interface NicConfig {
  readonly devid: number;
  readonly mac: string;
  /** Null: none was given; libxl then takes xenbr0 and does not write that down. */
  readonly bridge: string | null;
  readonly model: string | null;
  readonly script: string | null;
  readonly ip: string | null;
  readonly ifname: string | null;
  readonly gatewaydev: string | null;
  readonly vlan: string | null;
  readonly mtu: number | null;
  readonly rate: { readonly bytes: number; readonly micros: number } | null;
  /** As given; null: libxl chooses by the guest's type. */
  readonly type: 'vif' | 'vif_ioemu' | null;
}

export type NicOptions = { -readonly [K in keyof NicConfig]?: NicConfig[K] };

/** What libxlu makes of `rate=`, or its complaint. */
const parseRate = (text: string): NonNullable<NicConfig['rate']> | { readonly error: string } => {
  const bad = (why: string, near: string): { readonly error: string } => ({
    error: `command line: config parsing error in vif: ${why} in \`${near}'\n`,
  });
  const [speed = '', interval] = text.split('@');
  const s = /^(\d+)([GMK]?)([Bb])\/s$/.exec(speed);
  if (s === null) return bad('invalid rate', speed);
  const units: Readonly<Record<string, number>> = table({ G: 1e9, M: 1e6, K: 1e3, '': 1 });
  const second = Math.floor((Number(s[1]) * (units[s[2] ?? ''] ?? 1)) / (s[3] === 'b' ? 8 : 1));
  const i = interval === undefined ? ['', '50', 'ms'] : /^(\d+)([mu]?s?)$/.exec(interval);
  if (i === null) return bad('invalid replenishment interval', interval ?? '');
  const scale = i[2]?.startsWith('m') === true ? 1e3 : i[2]?.startsWith('u') === true ? 1 : 1e6;
  const micros = Number(i[1]) * scale;
  return { bytes: Math.floor((second * micros) / 1e6), micros };
};

const texts: Readonly<Record<string, 'bridge' | 'model' | 'script' | 'ip' | 'ifname' | 'gatewaydev' | 'vlan'>> = table({
  bridge: 'bridge',
  model: 'model',
  script: 'script',
  ip: 'ip',
  vifname: 'ifname',
  gatewaydev: 'gatewaydev',
  netdev: 'gatewaydev',
  vlan: 'vlan',
});

/** Takes one `key=value` in; what xl says where it does not know it, else null. `minor`: of Xen 4.x, since options were added. */
export const parseNicOption = (word: string, into: NicOptions, minor: number): string | null => {
  const unknown = `unrecognized argument \`${word}'\n`;
  const [, key = '', rest = ''] = /^([a-z]+)=(.*)$/.exec(word) ?? [];
  const text = texts[key];
  if (key === 'vlan' && minor < 19) return unknown;
  if (text !== undefined) into[text] = rest;
  else if (key === 'mac') {
    // xl reads six hex pairs and ignores what follows them.
    const mac = /^(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/i.exec(rest)?.[0];
    if (mac === undefined) return "Invalid parameter `mac'.\n";
    into.mac = mac.toLowerCase();
  } else if (key === 'type') {
    if (rest !== 'vif' && rest !== 'ioemu') return "Invalid parameter `type'.\n";
    into.type = rest === 'vif' ? 'vif' : 'vif_ioemu';
  } else if (key === 'rate') {
    const rate = parseRate(rest);
    if ('error' in rate) return rate.error;
    into.rate = rate;
  } else if (key === 'mtu') into.mtu = Number(rest);
  else if (key === 'devid') into.devid = Number(rest);
  else if (key !== 'accel' && key !== 'backend' && word !== 'trusted' && word !== 'untrusted') return unknown;
  return null;
};

/** With what libxl fills in: a place and an address. */
export const nicOf = (options: NicOptions, devid: number, hex: (digits: number) => string): NicConfig => ({
  devid: options.devid ?? devid,
  mac: options.mac ?? `00:16:3e:${hex(2)}:${hex(2)}:${hex(2)}`,
  bridge: options.bridge ?? null,
  model: options.model ?? null,
  script: options.script ?? null,
  ip: options.ip ?? null,
  ifname: options.ifname ?? null,
  gatewaydev: options.gatewaydev ?? null,
  vlan: options.vlan ?? null,
  mtu: options.mtu ?? null,
  rate: options.rate ?? null,
  type: options.type ?? null,
});
