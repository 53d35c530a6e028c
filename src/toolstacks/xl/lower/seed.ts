/** What writes the seed that cloud-init reads: an image of a few sectors, made here. */
import { seedImage } from './iso9660.ts';
import type { Condition, Lowered } from '../../../core/step.ts';
import type { Secrets } from '../../../kinds/toolstack.ts';
import type { DiskMarker } from '../../../kinds/repository/live.ts';
import type { SeedText } from '../../../kinds/vm/spec.ts';
import { exec, quickMs } from './domain-steps.ts';
import type { At, Of, Unsupported } from './lowering.ts';
import { markerSuffix } from '../read/storage.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Null: the reference has no value. */
const valueOf = (part: SeedText, secrets: Secrets): string | null =>
  'text' in part ? part.text : (secrets.get(part.secret) ?? null);

export const makeSeed = (op: Of<'make-seed'>, { secrets }: At): Lowered | Unsupported => {
  const { path, folder, farm, repository, uuid, vm, vdev } = op;
  const { userData, metaData, networkConfig } = op.seed;
  const parts: readonly (readonly [string, SeedText])[] = [
    ['user-data', userData ?? { text: '' }],
    // As long as this stays the same, cloud-init takes the VM for one that it has set up already.
    ['meta-data', metaData ?? { text: `instance-id: ${uuid}\nlocal-hostname: ${vm.name}\n` }],
    ...(networkConfig ? [['network-config', networkConfig] as const] : []),
  ];
  const lost = parts.find(([, part]) => valueOf(part, secrets) === null)?.[1];
  if (lost && 'secret' in lost) return { unsupported: `${lost.secret} has no value` };
  const bytes = seedImage(parts.map(([name, part]) => ({ name, bytes: bytesOf(valueOf(part, secrets) ?? '') })));
  const size = bytes.length / 1024;
  const marker: DiskMarker = { format: 1, farm, vm: vm.name, uuid, vdev, size, as: 'raw' };
  const attached: readonly Condition[] =
    repository === null ? [] : [{ is: 'store', path: folder, farm, repository, uuid: null }];
  return {
    before: attached,
    steps: [
      exec(['mkdir', '-p', path.slice(0, path.lastIndexOf('/'))]),
      {
        do: 'write',
        path: `${path}${markerSuffix}`,
        bytes: bytesOf(`${JSON.stringify(marker)}\n`),
        mode: 0o644,
        onlyIf: 'any',
      },
      { do: 'write', path, bytes, mode: 0o600, onlyIf: 'absent' },
    ],
    after: [{ is: 'path', path }],
    afterMs: quickMs,
  };
};
