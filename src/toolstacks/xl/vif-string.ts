/** libxl's vif strings: `mac=…,bridge=…` and what else stands in them. */
import type { NicConfig } from '../../kinds/vm/spec.ts';

/** Lower case, two digits a part: `0:16:3E:0:0:1` is `00:16:3e:00:00:01`; null where it is no address. */
const normalMac = (text: string): string | null => {
  const parts = text.trim().split(/[:-]/);
  if (parts.length !== 6 || parts.some((p) => !/^[0-9a-f]{1,2}$/i.test(p))) return null;
  return parts.map((p) => p.toLowerCase().padStart(2, '0')).join(':');
};

export type NicParsed = { readonly ok: true; readonly nic: NicConfig } | { readonly ok: false; readonly why: string };

export const parseNic = (text: string): NicParsed => {
  let mac: string | null = null;
  let bridge: string | null = null;
  const extra: string[] = [];
  for (const part of text.split(',')) {
    const word = part.replace(/^ +/, '');
    if (word.startsWith('mac=')) {
      mac = normalMac(word.slice('mac='.length));
      if (mac === null) return { ok: false, why: `vif ${JSON.stringify(text)}: ${word} is no MAC address` };
    } else if (word.startsWith('bridge=')) bridge = word.slice('bridge='.length);
    else if (word !== '') extra.push(word);
  }
  return { ok: true, nic: { mac, bridge: bridge === '' ? null : bridge, extra } };
};

/** The string for a cfg; null where the syntax cannot hold it. */
export const writeNic = (nic: NicConfig): string | null => {
  const words = [
    ...(nic.mac === null ? [] : [`mac=${nic.mac}`]),
    ...(nic.bridge === null ? [] : [`bridge=${nic.bridge}`]),
    ...nic.extra,
  ];
  const text = words.join(',');
  const back = parseNic(text);
  const same =
    back.ok &&
    back.nic.mac === nic.mac &&
    back.nic.bridge === nic.bridge &&
    back.nic.extra.length === nic.extra.length &&
    back.nic.extra.every((x, i) => x === nic.extra[i]);
  return same ? text : null;
};
