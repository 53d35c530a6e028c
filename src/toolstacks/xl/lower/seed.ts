/** What writes the seed that cloud-init reads: an image of a few sectors, made here. */
import { seedImage } from './iso9660.ts';
import type { Condition, Lowered } from '../../../core/step.ts';
import type { DiskMarker } from '../../../kinds/repository/live.ts';
import type { CloudInit, SeedText } from '../../../kinds/vm/spec.ts';
import { inlineText } from '../../../kinds/written.ts';
import { exec, quickMs } from './domain-steps.ts';
import type { At, Of, Unsupported } from './lowering.ts';
import { markerSuffix } from '../read/storage.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The reference, or the name of the text that stands in the file. */
const nameOf = (vm: string, part: keyof CloudInit, text: SeedText): string =>
  'inline' in text ? inlineText(vm, part) : text.secret;

interface SeedFile {
  readonly part: keyof CloudInit;
  readonly name: string;
  /** Undefined: without a text there is no such file. */
  readonly otherwise: string | undefined;
}

const filesOf = (uuid: string, vm: string): readonly SeedFile[] => [
  { part: 'userData', name: 'user-data', otherwise: '' },
  // As long as this stays the same, cloud-init takes the VM for one that it has set up already.
  { part: 'metaData', name: 'meta-data', otherwise: `instance-id: ${uuid}\nlocal-hostname: ${vm}\n` },
  { part: 'networkConfig', name: 'network-config', otherwise: undefined },
];

export const makeSeed = (op: Of<'make-seed'>, { secrets }: At): Lowered | Unsupported => {
  const { path, folder, farm, repository, uuid, vm, vdev } = op;
  const texts: [string, string][] = [];
  for (const { part, name, otherwise } of filesOf(uuid, vm.name)) {
    const said = op.seed[part];
    const text = said === null ? otherwise : secrets.get(nameOf(vm.name, part, said));
    if (said !== null && text === undefined) return { unsupported: `${nameOf(vm.name, part, said)} has no value` };
    if (text !== undefined) texts.push([name, text]);
  }
  const bytes = seedImage(texts.map(([name, text]) => ({ name, bytes: bytesOf(text) })));
  const size = bytes.length / 1024;
  const marker: DiskMarker = { format: 1, farm, vm: vm.name, uuid, vdev, size, as: 'raw' };
  const attached: readonly Condition[] =
    repository === null ? [] : [{ is: 'store', path: folder, farm, repository, uuid: null }];
  return {
    // Its name says whose it is, not what it holds: one that an earlier VM of this key left is written anew.
    before: [...attached, { is: 'unused', path, goes: uuid }],
    steps: [
      exec(['mkdir', '-p', path.slice(0, path.lastIndexOf('/'))]),
      {
        do: 'write',
        path: `${path}${markerSuffix}`,
        bytes: bytesOf(`${JSON.stringify(marker)}\n`),
        mode: 0o644,
        onlyIf: 'any',
      },
      { do: 'write', path, bytes, mode: 0o600, onlyIf: 'any' },
    ],
    after: [{ is: 'path', path }],
    afterMs: quickMs,
  };
};
