/** The disks of one VM, from all its layers: by path, made by Reeve, or taken over by it. */
import { byText } from '../core/order.ts';
import { parseSize } from '../core/quantity.ts';
import type { PoolSpec } from '../kinds/farm.ts';
import type { ImageSpec } from '../kinds/image/spec.ts';
import { disksFolder, isVolumeGroup } from '../kinds/repository/live.ts';
import type { RepositorySpec } from '../kinds/repository/spec.ts';
import { scriptName } from '../kinds/vm/script.ts';
import type { AdoptedDisk, DiskBackend, DiskSource, DiskSpec, MadeDisk } from '../kinds/vm/spec.ts';
import { refuse, refusePassword, type Around } from './around.ts';
import { keysAt, lookUp, placeIn, textAt, type Found, type Layer } from './layers.ts';
import { didYouMean, type Problems } from './problem.ts';
import { badDiskTarget, badScript, badServerPath, isProtocol } from './words.ts';
import { table } from '../core/table.ts';

/** What says where a disk's bytes are; a mistake in one is told already. */
const ways = ['path', 'repository', 'size', 'from', 'adopt'];

/** The template or ISO of this name that the pool has. */
export const imageNamed = (
  what: ImageSpec['what'],
  name: Found<string>,
  pool: PoolSpec,
  problems: Problems,
): ImageSpec | undefined => {
  const all = pool.images.filter((i) => i.what === what);
  const found = all.find((i) => i.name === name.value);
  const noun = what === 'iso' ? 'ISO' : what;
  if (!found) {
    problems.add({
      code: 'unknown-image',
      message: `pool ${pool.name} has no ${noun} ${JSON.stringify(name.value)}`,
      at: placeIn(name),
      hint: didYouMean(
        name.value,
        all.map((i) => i.name),
        noun,
      ),
    });
  } else if (found.state === 'absent') {
    problems.add({
      code: 'absent-image',
      message: `${noun} ${found.name} shall be absent`,
      at: placeIn(name),
      hint: 'take this out, or keep the image',
      related: [{ message: 'it is here', at: found.origin }],
    });
  }
  return found;
};

/** KiB, whole MiB. */
const sizeOf = (size: Found<string> | undefined, problems: Problems): number | undefined => {
  const parsed = size && parseSize(size.value);
  refuse(problems, 'the size of a disk', size, () => {
    if (!parsed?.ok) return null;
    return parsed.value < 1024 || parsed.value % 1024 !== 0 ? 'it must be whole MiB' : null;
  });
  return parsed?.ok ? parsed.value : undefined;
};

/** The one that is named, or the pool's only one. */
const repositoryOf = (
  what: string,
  said: Found<string> | undefined,
  at: Found<unknown>,
  pool: PoolSpec,
  problems: Problems,
): RepositorySpec | undefined => {
  const all = Object.values(pool.repositories).filter((r) => r.state === 'present');
  const found = said ? all.find((r) => r.name === said.value) : all.length === 1 ? all[0] : undefined;
  if (found) return found;
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
          message: `${what} names no repository, and pool ${pool.name} has ${names.length === 0 ? 'none' : names.length}`,
          at: placeIn(at, 'key'),
          hint: names.length === 0 ? 'add one to `repositories`' : `add \`repository\`: ${names.join(', ')}`,
        },
  );
  return undefined;
};

const madeOf = (
  what: string,
  vdev: string,
  layers: readonly Layer[],
  pool: PoolSpec | undefined,
  { problems }: Around,
): MadeDisk | undefined => {
  const at = (key: string): Found<string> | undefined => textAt(layers, 'disks', vdev, key);
  const size = at('size');
  const kib = sizeOf(size, problems);
  const format = at('format');
  refuse(problems, 'the format of a disk that Reeve makes', format, (f) =>
    f === 'raw' || f === 'qcow2' ? null : 'raw and qcow2 can be made; others are given by `path`',
  );
  if (!size || kib === undefined || !pool) return undefined;
  const found = repositoryOf(what, at('repository'), size, pool, problems);
  const from = at('from');
  const template = from && imageNamed('template', from, pool, problems);
  if (!found) return undefined;
  if (found.type === 'lvm') {
    refuse(problems, `the format of a disk in repository ${found.name}`, format, (f) =>
      f === 'raw' ? null : 'a logical volume is raw: take it out',
    );
  }
  const source: DiskSource | null = template
    ? { template: template.name, path: template.path, format: template.format }
    : null;
  return { repository: found.name, folder: found.path, size: kib, from: source };
};

/** A disk that lies where a repository of the pool keeps its disks. */
const adoptOf = (
  path: Found<string>,
  size: Found<string> | undefined,
  pool: PoolSpec | undefined,
  { problems }: Around,
): AdoptedDisk | undefined => {
  refuse(problems, 'the path of a disk', path, badServerPath);
  const kib = sizeOf(size, problems);
  if (!pool) return undefined;
  const folder = path.value.replace(/\/[^/]*$/, '');
  const all = Object.values(pool.repositories).filter((r) => r.state === 'present');
  const found = all.find((r) => disksFolder(r.path) === folder);
  if (found && path.value.length > folder.length + 1) return { repository: found.name, folder: found.path, size: kib };
  problems.add({
    code: 'bad-value',
    message: `${JSON.stringify(path.value)} lies in no repository of pool ${pool.name}`,
    at: placeIn(path),
    hint:
      all.length === 0
        ? 'write it as `path`: Reeve then neither makes nor deletes it'
        : `move it into ${all.map((r) => disksFolder(r.path)).join(' or ')}, or write it as \`path\``,
  });
  return undefined;
};

/** At most one of the three ways to say where a disk's bytes are. */
const checkForms = (
  what: string,
  found: Readonly<Record<'path' | 'adopt' | 'size' | 'repository' | 'from', Found<unknown> | undefined>>,
  problems: Problems,
): void => {
  const { path, adopt, size, repository, from } = found;
  const by = path ?? adopt;
  const more = path ? (adopt ?? size ?? repository ?? from) : (repository ?? from);
  if (!by || !more) return;
  const [is, other] = [path ? 'a path' : 'an `adopt`', more.path.at(-1)];
  problems.add({
    code: 'two-forms',
    message: `${what} has both ${is} and a ${other}`,
    at: placeIn(more, 'key'),
    hint: 'a disk by `path` is yours, one by `adopt` is there and becomes its own, one by `size` is made: keep one of them',
    related: [{ message: `${path ? 'the path' : '`adopt`'} is here`, at: placeIn(by, 'key') }],
  });
};

/** Prefixes of a disk string that stand for a hotplug script of Xen's own. */
const scripted = /^(iscsi|e?nbd|drbd):(.+)$/;

/** A disk by its path; what is no path is for QEMU (`rbd:pool/image`) or for a script (`drbd:web`, or one that is named). */
const whereOf = (
  path: Found<string> | undefined,
  script: Found<string> | undefined,
  problems: Problems,
): { readonly target: string; readonly script?: string; readonly backend?: DiskBackend } | undefined => {
  refuse(problems, 'a hotplug script', script, badScript);
  if (!path) return undefined;
  const { value } = path;
  if (refusePassword(problems, 'the path of a disk', path, 'let QEMU take it from a file of the server'))
    return undefined;
  const [, prefix, rest] = (script ? null : scripted.exec(value)) ?? [];
  const foreign = script !== undefined || prefix !== undefined || isProtocol(value);
  refuse(problems, 'the path of a disk', path, foreign ? badDiskTarget : badServerPath);
  if (prefix !== undefined && rest !== undefined) return { target: rest, script: `block-${prefix}` };
  if (script) return { target: value, script: scriptName(script.value) };
  return isProtocol(value) ? { target: value, backend: 'qdisk' } : { target: value };
};

export const disksOf = (
  key: string,
  layers: readonly Layer[],
  pool: PoolSpec | undefined,
  around: Around,
): Readonly<Record<string, DiskSpec>> | undefined => {
  const vdevs = keysAt(layers, 'disks');
  if (!vdevs) return undefined;
  const { problems } = around;
  const mistaken = (vdev: string): boolean =>
    ways.some((way) => layers.some((l) => around.spoiled(l.file, `${l.pointer}/disks/${vdev}/${way}`)));
  const disks: Record<string, DiskSpec> = table();
  for (const vdev of [...vdevs].sort(byText)) {
    const what = `disk ${vdev} of ${key}`;
    const at = (way: string): Found<string> | undefined => textAt(layers, 'disks', vdev, way);
    const [path, adopt, size, repository, from] = [at('path'), at('adopt'), at('size'), at('repository'), at('from')];
    const whole = lookUp(layers, ['disks', vdev]);
    checkForms(what, { path, adopt, size, repository, from }, problems);
    if (!path && !adopt && !size && whole && !mistaken(vdev)) {
      const first = repository ?? from;
      problems.add({
        code: 'missing-key',
        message: first ? `${what} has no "size"` : `${what} has no "path" and no "size"`,
        at: placeIn(first ?? whole, 'key'),
        hint: first
          ? 'how large it is to be, like 20GiB'
          : 'an image file or block device on the server, like /dev/vg0/web-1, or the size of one that Reeve makes',
      });
    }
    const where = whereOf(path, at('script'), problems);
    const adopted = path || !adopt ? undefined : adoptOf(adopt, size, pool, around);
    const made = path || adopt ? undefined : madeOf(what, vdev, layers, pool, around);
    if (!path && !made && !adopted) continue;
    const volume = isVolumeGroup(made?.folder ?? adopted?.folder ?? '');
    disks[vdev] = {
      path: where?.target ?? (adopted && adopt ? adopt.value : ''),
      ...(where?.script === undefined ? {} : { script: where.script }),
      ...(made ? { made } : {}),
      ...(adopted ? { adopt: adopted } : {}),
      access: (at('access')?.value ?? 'rw') as DiskSpec['access'],
      format: at('format')?.value ?? (volume ? 'raw' : undefined),
      backend: (at('backend')?.value as DiskBackend | undefined) ?? where?.backend,
    };
  }
  return disks;
};
