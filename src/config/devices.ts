/** The CD drives and NICs of one VM, from all its layers. */
import { byText } from '../core/order.ts';
import type { PoolSpec } from '../kinds/farm.ts';
import { parseRate } from '../kinds/vm/rate.ts';
import type { CdromSpec, NicSpec } from '../kinds/vm/spec.ts';
import { refuse, type Around } from './around.ts';
import { imageNamed } from './disks.ts';
import { itemsOf, keysAt, lookUp, placeIn, textAt, type Found, type Layer } from './layers.ts';
import { didYouMean } from './problem.ts';
import { badMac, badModel, badScript, badServerPath } from './words.ts';
import { table } from '../core/table.ts';

/** The nearest layer that has a drive says what is in it: `{}` is an empty drive, whatever stands behind it. */
export const cdromsOf = (
  key: string,
  layers: readonly Layer[],
  pool: PoolSpec | undefined,
  { problems }: Around,
): Readonly<Record<string, CdromSpec>> | undefined => {
  const vdevs = keysAt(layers, 'cdrom');
  if (!vdevs) return undefined;
  const drives = [...vdevs].sort(byText).map((vdev): [string, CdromSpec] => {
    const near = layers.filter((l) => lookUp([l], ['cdrom', vdev])).slice(0, 1);
    const path = textAt(near, 'cdrom', vdev, 'path');
    const iso = textAt(near, 'cdrom', vdev, 'iso');
    refuse(problems, 'the path of an ISO', path, badServerPath);
    if (path && iso) {
      problems.add({
        code: 'two-forms',
        message: `drive ${vdev} of ${key} has both a path and an iso`,
        at: placeIn(iso, 'key'),
        hint: 'one medium lies in a drive: keep one of them',
        related: [{ message: 'the path is here', at: placeIn(path, 'key') }],
      });
    }
    const image = iso && pool ? imageNamed('iso', iso, pool, problems) : undefined;
    return [vdev, { path: image?.path ?? path?.value ?? null }];
  });
  return table(drives);
};

/** `networks` of the nearest layer that has it replaces all NICs of the layers behind; `nics` are merged on top. */
export const nearNetworks = (
  layers: readonly Layer[],
): { readonly near: readonly Layer[]; readonly list: Found<unknown> | undefined } => {
  const i = layers.findIndex((l) => Array.isArray(lookUp([l], ['networks'])?.value));
  const layer = layers[i];
  return layer
    ? { near: layers.slice(0, i + 1), list: lookUp([layer], ['networks']) }
    : { near: layers, list: undefined };
};

export const nicsOf = (
  key: string,
  layers: readonly Layer[],
  pool: PoolSpec | undefined,
  around: Around,
): Readonly<Record<string, NicSpec>> | undefined => {
  const { problems } = around;
  const { near, list } = nearNetworks(layers);
  const names = keysAt(near, 'nics');
  const short = list && itemsOf(list);
  if (!names && !short) return undefined;
  const last = near.at(-1);
  const own = short && last ? keysAt([last], 'nics') : undefined;
  const nics: Record<string, NicSpec> = table();
  const all = new Set([...(short ?? []).map((_, i) => `eth${i}`), ...(names ?? [])]);
  for (const nic of [...all].sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)))) {
    const n = Number(nic.slice(3));
    const listed = short?.[n];
    if (listed && own?.has(nic) && last) {
      problems.add({
        code: 'two-forms',
        message: `${nic} of ${key} is given by both \`nics\` and \`networks\``,
        at: { file: last.file, pointer: `${last.pointer}/nics/${nic}`, on: 'key' },
        hint: 'keep one of them',
        related: [{ message: `networks makes it ${nic}`, at: placeIn(listed) }],
      });
    }
    const network = textAt(near, 'nics', nic, 'network') ?? listed;
    const mac = textAt(near, 'nics', nic, 'mac');
    refuse(problems, 'a MAC', mac, badMac);
    if (network) checkNetwork(network, pool, around);
    else if (!near.some((l) => around.spoiled(l.file, `${l.pointer}/nics/${nic}/network`))) {
      const whole = lookUp(near, ['nics', nic]);
      problems.add({
        code: 'missing-key',
        message: `${nic} of ${key} has no "network"`,
        at: whole && placeIn(whole, 'key'),
        hint: pool ? didYouMean('', Object.keys(pool.networks), 'network') : undefined,
      });
    }
    const options = optionsOf(nic, near, around);
    if (network) nics[nic] = { network: network.value, mac: mac?.value.toLowerCase(), ...options };
  }
  return nics;
};

const optionsOf = (
  nic: string,
  layers: readonly Layer[],
  { problems }: Around,
): Pick<NicSpec, 'rate' | 'model' | 'script'> => {
  const rate = textAt(layers, 'nics', nic, 'rate');
  const model = textAt(layers, 'nics', nic, 'model');
  const script = textAt(layers, 'nics', nic, 'script');
  const parsed = rate && parseRate(rate.value);
  if (parsed && 'why' in parsed) refuse(problems, 'a rate', rate, () => parsed.why);
  refuse(problems, 'the model of a NIC', model, badModel);
  refuse(problems, 'a hotplug script', script, badScript);
  return {
    rate: parsed && 'rate' in parsed ? parsed.rate : undefined,
    model: model?.value,
    script: script?.value,
  };
};

const checkNetwork = (network: Found<string>, pool: PoolSpec | undefined, around: Around): void => {
  // A list item of a wrong type was told already.
  if (!pool || network.value === '' || Object.hasOwn(pool.networks, network.value)) return;
  around.problems.add({
    code: 'unknown-network',
    message: `pool ${pool.name} has no network ${JSON.stringify(network.value)}`,
    at: placeIn(network),
    hint: didYouMean(network.value, Object.keys(pool.networks), 'network'),
  });
};
