/** The disks, CD drives and NICs of one VM, from all its layers. */
import { byText } from '../core/order.ts';
import type { PoolSpec } from '../kinds/farm.ts';
import { parseRate } from '../kinds/vm/rate.ts';
import type { CdromSpec, DiskBackend, DiskSpec, NicSpec } from '../kinds/vm/spec.ts';
import { refuse, type Around } from './around.ts';
import { itemsOf, keysAt, lookUp, placeIn, textAt, type Found, type Layer } from './layers.ts';
import { didYouMean } from './problem.ts';
import { badMac, badModel, badScript, badServerPath } from './words.ts';

/** What says where a disk's bytes are; a mistake in one is told already. */
const ways = ['path', 'repository', 'size', 'from', 'adopt'];

export const disksOf = (
  key: string,
  layers: readonly Layer[],
  around: Around,
): Readonly<Record<string, DiskSpec>> | undefined => {
  const vdevs = keysAt(layers, 'disks');
  if (!vdevs) return undefined;
  const mistaken = (vdev: string): boolean =>
    ways.some((way) => layers.some((l) => around.spoiled(l.file, `${l.pointer}/disks/${vdev}/${way}`)));
  const disks: Record<string, DiskSpec> = {};
  for (const vdev of [...vdevs].sort(byText)) {
    const path = textAt(layers, 'disks', vdev, 'path');
    const whole = path ? undefined : lookUp(layers, ['disks', vdev]);
    if (whole && !mistaken(vdev)) {
      around.problems.add({
        code: 'missing-key',
        message: `disk ${vdev} of ${key} has no "path"`,
        at: placeIn(whole, 'key'),
        hint: 'an image file or block device on the server, like /dev/vg0/web-1',
      });
    }
    refuse(around.problems, 'the path of a disk', path, badServerPath);
    if (!path) continue;
    disks[vdev] = {
      path: path.value,
      access: (textAt(layers, 'disks', vdev, 'access')?.value ?? 'rw') as DiskSpec['access'],
      format: textAt(layers, 'disks', vdev, 'format')?.value,
      backend: textAt(layers, 'disks', vdev, 'backend')?.value as DiskBackend | undefined,
    };
  }
  return disks;
};

/** The nearest layer that has a drive says what is in it: `{}` is an empty drive, whatever stands behind it. */
export const cdromsOf = (
  layers: readonly Layer[],
  { problems }: Around,
): Readonly<Record<string, CdromSpec>> | undefined => {
  const vdevs = keysAt(layers, 'cdrom');
  if (!vdevs) return undefined;
  const drives = [...vdevs].sort(byText).map((vdev): [string, CdromSpec] => {
    const near = layers.find((l) => lookUp([l], ['cdrom', vdev]));
    const path = near && textAt([near], 'cdrom', vdev, 'path');
    refuse(problems, 'the path of an ISO', path, badServerPath);
    return [vdev, { path: path?.value ?? null }];
  });
  return Object.fromEntries(drives);
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
  const nics: Record<string, NicSpec> = {};
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
