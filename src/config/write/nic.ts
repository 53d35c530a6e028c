/** The NICs of a VM in the words of the file: each bridge is a network, and what a cfg alone can say stays in it. */
import { parseRate } from '../../kinds/vm/rate.ts';
import type { NicConfig } from '../../kinds/vm/spec.ts';
import { wordsOf, type Note, type Word, type Words } from './tree.ts';

/** What a NIC hangs on: the bridge and, on Open vSwitch, the VLAN. */
export interface Bridge {
  readonly bridge: string;
  readonly vlan: number | undefined;
}

const ovsScript = 'vif-openvswitch';

const bridgeOfNic = ({ bridge, script }: NicConfig): Bridge | null => {
  if (bridge === null) return null;
  const [, name, vlan] = (script === ovsScript && /^(.+)\.([1-9]\d{0,3})$/.exec(bridge)) || [];
  return name === undefined ? { bridge, vlan: undefined } : { bridge: name, vlan: Number(vlan) };
};

/** `1250000B/s@50000us` as people write it: `10Mb/s`. */
const rateWord = (rate: string): string => {
  const [, digits = ''] = /^(\d+)B\/s@50000us$/.exec(rate) ?? [];
  const bits = Number(digits) * 8;
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['K', 1e3],
  ] as const) {
    if (digits === '' || bits % size !== 0) continue;
    const text = `${bits / size}${unit}b/s`;
    const parsed = parseRate(text);
    if ('rate' in parsed && parsed.rate === rate) return text;
  }
  return rate;
};

/** Null where the file's words would change them; the notes say why. `networkOf`: the name of what a bridge is in the file. */
export const nicWords = (
  nics: readonly NicConfig[],
  networkOf: (bridge: Bridge) => string,
): { readonly words: Words | undefined; readonly notes: readonly Note[] } => {
  const left = (why: string) => ({ words: undefined, notes: [{ at: ['nics'], text: `nics are left out: ${why}` }] });
  if (nics.length > 16) return left(`the file has words for 16, and there are ${nics.length}`);
  const notes: Note[] = [];
  const entries: [string, Word][] = [];
  for (const [i, nic] of nics.entries()) {
    const on = bridgeOfNic(nic);
    if (on === null) return left(`the cfg says no bridge for eth${i}`);
    if (nic.mac === null)
      return left(
        `the cfg says no MAC for eth${i}, so that each start makes one up; written here, it would get one for good`,
      );
    if (nic.vlan !== null) return left(`eth${i} has a VLAN on a Linux bridge`);
    const script = nic.script === ovsScript && on.vlan !== undefined ? undefined : (nic.script ?? undefined);
    entries.push([
      `eth${i}`,
      wordsOf([
        ['network', networkOf(on)],
        ['mac', nic.mac],
        ['rate', nic.rate === null ? undefined : rateWord(nic.rate)],
        ['model', nic.model ?? undefined],
        ['script', script],
      ]),
    ]);
    if (nic.extra.length > 0)
      notes.push({ at: ['nics', `eth${i}`], text: `the cfg also says ${nic.extra.join(', ')}, and keeps it` });
  }
  return { words: entries.length === 0 ? undefined : wordsOf(entries), notes };
};
