/** libxl's vif strings: `mac=…,bridge=…` and what else stands in them. */
import { parseRate } from '../../../kinds/vm/rate.ts';
import { scriptName } from '../../../kinds/vm/script.ts';
import type { NicConfig } from '../../../kinds/vm/spec.ts';

/** Lower case, two digits a part: `0:16:3E:0:0:1` is `00:16:3e:00:00:01`; null where it is no address. */
const normalMac = (text: string): string | null => {
  const parts = text.trim().split(/[:-]/);
  if (parts.length !== 6 || parts.some((p) => !/^[0-9a-f]{1,2}$/i.test(p))) return null;
  return parts.map((p) => p.toLowerCase().padStart(2, '0')).join(':');
};

export type NicParsed = { readonly ok: true; readonly nic: NicConfig } | { readonly ok: false; readonly why: string };

/** What libxlu takes for a rate, beyond what `parseRate` does (octal digits, next to nothing): it stays as it is. */
const anyRate = /^[0-9]+[GMK]?[Bb]\/s(?:@[0-9]+[mu]?s?)?$/;

/** Two strings that mean one thing to xl give equal values; what Reeve has no word for is kept, in order. */
export const parseNic = (text: string): NicParsed => {
  const odd = (why: string): NicParsed => ({ ok: false, why: `vif ${JSON.stringify(text)}: ${why}` });
  const words = text.split(',').map((part) => part.replace(/^ +/, ''));
  const plain = words.includes('type=vif');
  const nic: { -readonly [K in keyof NicConfig]: NicConfig[K] } = {
    mac: null,
    bridge: null,
    vlan: null,
    rate: null,
    model: plain ? 'pv' : null,
    script: null,
    extra: [],
  };
  const extra: string[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    const value = word.slice(equals + 1);
    const key = word.slice(0, Math.max(0, equals));
    if (key === 'mac') {
      nic.mac = normalMac(value);
      if (nic.mac === null) return odd(`${word} is no MAC address`);
    } else if (key === 'rate') {
      const parsed = parseRate(value);
      if ('rate' in parsed) nic.rate = parsed.rate;
      else if (anyRate.test(value)) extra.push(word);
      else return odd(`${word} is no rate: ${parsed.why}`);
    } else if (key === 'bridge') nic.bridge = value === '' ? null : value;
    else if (key === 'script' && value !== '') nic.script = scriptName(value);
    else if (key === 'vlan' && /^[1-9]\d*$/.test(value)) nic.vlan = Number(value);
    else if (key === 'model' && !plain && value !== '' && value !== 'pv') nic.model = value;
    else if (word !== '' && word !== 'type=vif') extra.push(word);
  }
  return { ok: true, nic: { ...nic, extra } };
};

/** The string for a cfg, and its words for `xl network-attach`; null where the syntax cannot hold it. */
export const writeNic = (nic: NicConfig): string | null => {
  const word = (key: string, value: string | number | null): readonly string[] =>
    value === null ? [] : [`${key}=${value}`];
  const card = nic.model === 'pv' ? ['type=vif'] : word('model', nic.model);
  // A card that is said leaves no room for another word about it.
  const clash = nic.model === null ? /^$/ : nic.model === 'pv' ? /^type=/ : /^model=/;
  const text = [
    ...word('mac', nic.mac),
    ...word('bridge', nic.bridge),
    ...word('vlan', nic.vlan),
    ...card,
    ...word('rate', nic.rate),
    ...word('script', nic.script),
    ...nic.extra.filter((x) => !clash.test(x)),
  ].join(',');
  const back = parseNic(text);
  const same =
    back.ok &&
    (['mac', 'bridge', 'vlan', 'rate', 'model', 'script'] as const).every((k) => back.nic[k] === nic[k]) &&
    nic.extra.every((x) => back.nic.extra.includes(x) || clash.test(x));
  return same ? text : null;
};
