/** What does not go together in one VM: words of another guest type, two ways to boot, two devices in one place. */
import { parseSize } from '../core/quantity.ts';
import { fields } from '../kinds/vm/fields.ts';
import type { VmType } from '../kinds/vm/spec.ts';
import { nearNetworks } from './devices.ts';
import { everyAt, keysAt, lookUp, placeIn, textAt, type Found, type Layer } from './layers.ts';
import type { Problem, Problems } from './problem.ts';

/** Nothing is said of the type where the file leaves it open: an adopted VM's is not known here. */
export const checkFit = (key: string, layers: readonly Layer[], problems: Problems): void => {
  const type = textAt(layers, 'type') as Found<VmType> | undefined;
  if (type) checkType(key, type, layers, problems);
  checkBackends(key, layers, problems);
  if (type?.value !== 'hvm') checkBoot(key, layers, problems);
  if (type === undefined || type.value === 'hvm') checkPlaces(key, layers, problems);
};

/** The words that not every guest type has; what a screen has comes and goes with it. */
const typed = fields
  .filter((f) => f.types.length < 3 && !f.name.startsWith('display.vnc.') && !f.name.startsWith('display.spice.'))
  .map((f) => ({ word: f.name, path: f.name.split('.'), types: f.types }));

/** All that a layer says of another type is told where it stands, though a nearer one may say it better. */
const checkType = (key: string, type: Found<VmType>, layers: readonly Layer[], problems: Problems): void => {
  const is = type.value;
  const tell = (found: Found<unknown>, what: string, types: readonly VmType[], hint?: string, on?: 'key'): void => {
    const own = found.layer.pointer.startsWith('/vms/');
    problems.add({
      code: 'other-type',
      message: `${what} is for ${types.join(' and ')}, and ${key} is ${is}`,
      at: placeIn(found, on),
      hint:
        hint ??
        (own
          ? `take it out, or make it \`type: ${types[0]}\``
          : `take it out, or move it into a profile that only ${types.join(' and ')} VMs have`),
      related: [{ message: `it is ${is} here`, at: placeIn(type) }],
    });
  };
  for (const { word, path, types } of typed) {
    if (types.includes(is)) continue;
    for (const found of everyAt(layers, path)) tell(found, `\`${word}\``, types, undefined, 'key');
  }
  checkPassthrough(key, is, layers, problems);
  if (is === 'hvm') {
    checkReadOnly(key, layers, problems);
    return;
  }
  for (const found of everyAt(layers, ['cdrom'])) {
    if (Object.keys(found.value ?? {}).length > 0) tell(found, 'a CD drive', ['hvm'], undefined, 'key');
  }
  const { near } = nearNetworks(layers);
  for (const nic of keysAt(near, 'nics') ?? []) {
    for (const found of everyAt(near, ['nics', nic, 'model'])) {
      if (found.value === 'pv') continue;
      tell(found, `the emulated card ${String(found.value)}`, ['hvm'], 'take it out: the NIC is paravirtual anyway');
    }
  }
};

/** QEMU's IDE disks are always written. */
const checkReadOnly = (key: string, layers: readonly Layer[], problems: Problems): void => {
  for (const vdev of keysAt(layers, 'disks') ?? []) {
    if (ideLetter(vdev) === undefined) continue;
    const access = textAt(layers, 'disks', vdev, 'access');
    if (access?.value !== 'ro') continue;
    problems.add({
      code: 'bad-access',
      message: `disk ${vdev} of ${key} cannot be read-only: an HVM guest sees it as an IDE disk, too`,
      at: placeIn(access),
      hint: 'name it xvde or later, which is paravirtual only, or sda … sdp, which is SCSI',
    });
  }
};

/** Memory that is given on demand cannot be shown to a PCI device. */
const checkPassthrough = (key: string, type: VmType, layers: readonly Layer[], problems: Problems): void => {
  const pci = lookUp(layers, ['xl', 'pci']);
  if (type === 'pv' || !pci || (Array.isArray(pci.value) && pci.value.length === 0)) return;
  const target = textAt(layers, 'memory', 'target');
  const max = textAt(layers, 'memory', 'max');
  const [low, high] = [parseSize(target?.value), parseSize(max?.value)];
  if (!target || !max || !low.ok || !high.ok || low.value >= high.value) return;
  problems.add({
    code: 'pci-memory',
    message: `${key} has PCI devices, and its memory.target is ${target.value}, under memory.max, ${max.value}`,
    at: placeIn(target),
    hint: 'a guest with PCI devices has all its memory from the start: make them the same',
    related: [{ message: 'its PCI devices are here', at: placeIn(pci, 'key') }],
  });
};

const checkBoot = (key: string, layers: readonly Layer[], problems: Problems): void => {
  const kernel = textAt(layers, 'boot', 'kernel');
  const bootloader = textAt(layers, 'boot', 'bootloader');
  if (!kernel || !bootloader) return;
  const nearer = layers.indexOf(kernel.layer) < layers.indexOf(bootloader.layer);
  const [here, there] = nearer ? [kernel, bootloader] : [bootloader, kernel];
  problems.add({
    code: 'two-forms',
    message: `${key} has both \`boot.kernel\` and \`boot.bootloader\`, which finds a kernel itself`,
    at: placeIn(here, 'key'),
    hint: 'keep one of them',
    related: [{ message: 'the other is here', at: placeIn(there, 'key') }],
  });
};

const checkBackends = (key: string, layers: readonly Layer[], problems: Problems): void => {
  for (const vdev of keysAt(layers, 'disks') ?? []) {
    const backend = textAt(layers, 'disks', vdev, 'backend');
    const format = textAt(layers, 'disks', vdev, 'format');
    if (backend?.value !== 'phy' || !format || format.value === 'raw') continue;
    problems.add({
      code: 'bad-backend',
      message: `disk ${vdev} of ${key} is ${format.value}, and \`backend: phy\` serves raw disks only`,
      at: placeIn(backend),
      hint: 'take the backend out, or write `backend: qdisk`',
      related: [{ message: 'its format is here', at: placeIn(format) }],
    });
  }
};

/** The four IDE places of an HVM guest: xvda is hda there. */
const ideLetter = (vdev: string): string | undefined => /^(?:xvd|hd)([a-d])$/.exec(vdev)?.[1];

const checkPlaces = (key: string, layers: readonly Layer[], problems: Problems): void => {
  const taken = new Map<string, { readonly vdev: string; readonly cd: boolean; readonly found: Found<unknown> }>();
  // With AHCI, disks are on a controller of their own, and CD drives are not.
  const ahci = lookUp(layers, ['xl', 'hdtype'])?.value === 'ahci';
  const take = (vdev: string, cd: boolean): void => {
    const letter = ideLetter(vdev);
    const found = lookUp(layers, [cd ? 'cdrom' : 'disks', vdev]);
    if (letter === undefined || !found) return;
    const first = taken.get(letter);
    if (!first) taken.set(letter, { vdev, cd, found });
    else if (first.vdev === vdev || first.cd === cd || !ahci) problems.add(onePlace(key, vdev, first, found));
  };
  for (const vdev of [...(keysAt(layers, 'disks') ?? [])].sort()) take(vdev, false);
  for (const vdev of [...(keysAt(layers, 'cdrom') ?? [])].sort()) take(vdev, true);
};

const onePlace = (
  key: string,
  vdev: string,
  first: { readonly vdev: string; readonly found: Found<unknown> },
  found: Found<unknown>,
): Problem => ({
  code: 'one-place',
  message:
    first.vdev === vdev
      ? `${vdev} of ${key} is both a disk and a CD drive`
      : `${first.vdev} and ${vdev} of ${key} are one IDE place of an HVM guest`,
  at: placeIn(found, 'key'),
  hint: 'give one of them another letter',
  related: [{ message: `${first.vdev} is here`, at: placeIn(first.found, 'key') }],
});
