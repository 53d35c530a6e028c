/** The disks, CD drives and NICs of one VM, from all its layers. */
import { byText } from '../core/order.ts';
import type { PoolSpec } from '../kinds/farm.ts';
import { parseSize } from '../core/quantity.ts';
import { parseRate } from '../kinds/vm/rate.ts';
import type { CdromSpec, DiskBackend, DiskSpec, MadeDisk, NicSpec } from '../kinds/vm/spec.ts';
import { refuse, type Around } from './around.ts';
import { itemsOf, keysAt, lookUp, placeIn, textAt, type Found, type Layer } from './layers.ts';
import { didYouMean } from './problem.ts';
import { badMac, badModel, badScript, badServerPath } from './words.ts';

/** What says where a disk's bytes are; a mistake in one is told already. */
const ways = ['path', 'repository', 'size', 'from', 'adopt'];

/** In its repository: the one that is named, or the pool's only one. */
const madeOf = (
  key: string,
  vdev: string,
  layers: readonly Layer[],
  pool: PoolSpec | undefined,
  { problems }: Around,
): MadeDisk | undefined => {
  const size = textAt(layers, 'disks', vdev, 'size');
  const said = textAt(layers, 'disks', vdev, 'repository');
  const parsed = size && parseSize(size.value);
  refuse(problems, 'the size of a disk', size, () => {
    if (!parsed?.ok) return null;
    return parsed.value < 1024 || parsed.value % 1024 !== 0 ? 'it must be whole MiB' : null;
  });
  const format = textAt(layers, 'disks', vdev, 'format');
  refuse(problems, 'the format of a disk that Reeve makes', format, (f) =>
    f === 'raw' || f === 'qcow2' ? null : 'raw and qcow2 can be made; others are given by `path`',
  );
  if (!size || !parsed?.ok || !pool) return undefined;
  const all = Object.values(pool.repositories).filter((r) => r.state === 'present');
  const found = said ? all.find((r) => r.name === said.value) : all.length === 1 ? all[0] : undefined;
  if (!found) {
    const names = all.map((r) => r.name);
    problems.add(
      said
        ? {
            code: 'unknown-repository',
            message: `pool ${pool.name} has no repository ${JSON.stringify(said.value)}`,
            at: placeIn(said),
            hint: didYouMean(said.value, names, 'repository'),
          }
        : {
            code: 'missing-key',
            message: `disk ${vdev} of ${key} names no repository, and pool ${pool.name} has ${names.length === 0 ? 'none' : names.length}`,
            at: placeIn(size, 'key'),
            hint: names.length === 0 ? 'add one to `repositories`' : `add \`repository\`: ${names.join(', ')}`,
          },
    );
    return undefined;
  }
  return { repository: found.name, folder: found.path, size: parsed.value };
};

export const disksOf = (
  key: string,
  layers: readonly Layer[],
  pool: PoolSpec | undefined,
  around: Around,
): Readonly<Record<string, DiskSpec>> | undefined => {
  const vdevs = keysAt(layers, 'disks');
  if (!vdevs) return undefined;
  const mistaken = (vdev: string): boolean =>
    ways.some((way) => layers.some((l) => around.spoiled(l.file, `${l.pointer}/disks/${vdev}/${way}`)));
  const disks: Record<string, DiskSpec> = {};
  for (const vdev of [...vdevs].sort(byText)) {
    const path = textAt(layers, 'disks', vdev, 'path');
    const made = ['size', 'repository'].flatMap((way) => lookUp(layers, ['disks', vdev, way]) ?? []);
    const [first] = made;
    const size = lookUp(layers, ['disks', vdev, 'size']);
    const whole = lookUp(layers, ['disks', vdev]);
    if (path && first) {
      around.problems.add({
        code: 'two-forms',
        message: `disk ${vdev} of ${key} has both a path and a size or a repository`,
        at: placeIn(first, 'key'),
        hint: 'a disk by `path` is yours; one by `size` is made by Reeve: keep one of them',
        related: [{ message: 'the path is here', at: placeIn(path, 'key') }],
      });
    } else if (!path && !size && whole && !mistaken(vdev)) {
      around.problems.add({
        code: 'missing-key',
        message: first ? `disk ${vdev} of ${key} has no "size"` : `disk ${vdev} of ${key} has no "path" and no "size"`,
        at: placeIn(first ?? whole, 'key'),
        hint: first
          ? 'how large it is to be, like 20GiB'
          : 'an image file or block device on the server, like /dev/vg0/web-1, or the size of one that Reeve makes',
      });
    }
    refuse(around.problems, 'the path of a disk', path, badServerPath);
    const makes = path ? undefined : madeOf(key, vdev, layers, pool, around);
    if (!path && !makes) continue;
    disks[vdev] = {
      path: path?.value ?? '',
      ...(makes ? { made: makes } : {}),
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
