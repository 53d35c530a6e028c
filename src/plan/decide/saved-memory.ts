/** A VM whose memory xendomains keeps: it never boots beside that, since the image would come back over disks that have gone on. */
import type { Reason } from '../../core/reason.ts';
import { shellWord } from '../../core/shell-word.ts';
import type { Farm } from '../../kinds/farm.ts';
import { imageNamed, seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import type { Users } from '../../kinds/server/users.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Decision } from './decide.ts';
import { distrusted, hidden } from './lease-guards.ts';

interface Image {
  readonly server: string;
  readonly file: string;
}

/** The image of a VM with one of these names of Xen's, on any server of its pool. */
const imageOf = (
  names: readonly string[],
  { pool }: VmSpec,
  farm: Farm,
  seenOf: (server: string) => ServerSeen | undefined,
): Image | null => {
  for (const { name: server } of farm.pools.find((p) => p.name === pool)?.servers ?? []) {
    const file = names.flatMap((name) => imageNamed(name, seenOf(server)) ?? [])[0];
    if (file !== undefined) return { server, file };
  }
  return null;
};

const namesOf = (spec: VmSpec, live: LiveVm | null): readonly string[] => {
  const known = [live?.domain?.name, live?.record?.config?.name].filter((n) => n !== undefined);
  return [...new Set([...known, spec.name])];
};

/** Why nothing is done with a VM that does not run; null: no image of it was seen. */
const savedMemory = (
  spec: VmSpec,
  live: LiveVm | null,
  farm: Farm,
  seenOf: (server: string) => ServerSeen | undefined,
): Reason | null => {
  if (live?.domain) return null;
  const image = imageOf(namesOf(spec, live), spec, farm, seenOf);
  if (!image) return null;
  const file = shellWord(image.file);
  return {
    code: 'memory-saved',
    why: `its memory lies in ${image.file} on ${image.server}: it would boot beside that, and the image come back over its disks`,
    help: `to go on from it: xl restore ${file} && rm ${file}; or, where nobody needs what was in memory, rm ${file}`,
  };
};

/** The same of what is to be done with a VM; what neither starts it nor touches its disks may be done. */
export const beganBeside = (
  { spec, live, transition: t }: Decision,
  farm: Farm,
  seenOf: (server: string) => ServerSeen | undefined,
): Reason | null =>
  t && (t.state !== null || t.move.length > 0 || t.grow.length > 0) ? savedMemory(spec, live, farm, seenOf) : null;

/** Why a VM that was seen nowhere must not be made: it may have begun already. Null: it is new. */
export const mayNotBegin = (spec: VmSpec, farm: Farm, observed: Observed, users: Users): Reason | null => {
  const seenOf = (server: string): ServerSeen | undefined => seenOn(observed, server);
  return distrusted(spec, farm, observed, users) ?? hidden(spec, farm, seenOf) ?? savedMemory(spec, null, farm, seenOf);
};

/** Said of a VM that runs; null: no image of it was seen. */
export const outlivedImage = (
  spec: VmSpec,
  live: LiveVm | null,
  farm: Farm,
  seenOf: (server: string) => ServerSeen | undefined,
): string | null => {
  const image = live?.domain ? imageOf(namesOf(spec, live), spec, farm, seenOf) : null;
  return (
    image &&
    `${spec.key} runs, and an image of its memory lies in ${image.file} on ${image.server}: xendomains may restore it over its disks; once nobody needs it, rm ${shellWord(image.file)}`
  );
};
