/** The rules of deletion: only what is ours, only in a run that saw the whole pool, never too many at once. */
import type { ReasonCode } from '../../core/reason.ts';
import { isUnknown } from '../../core/port.ts';
import type { Farm } from '../../kinds/farm.ts';
import type { PlanOptions, Refusal } from '../../kinds/plan.ts';
import type { Observed } from '../../kinds/server/live.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Found, Matched } from '../match/match.ts';
import { refusal } from '../model/refusal.ts';
import { unreadIn } from '../model/unread-servers.ts';

/** A VM that has left the file, as if the file said `state: absent`: what `--prune` deletes. */
const pruned = (found: Found, key: string): VmSpec => ({
  key,
  name: found.name,
  uuid: undefined,
  pool: found.pool,
  servers: [],
  apart: [],
  state: 'absent',
  type: undefined,
  vcpus: { count: undefined, max: undefined },
  memory: { target: undefined, max: undefined },
  boot: undefined,
  settings: {},
  disks: undefined,
  cdroms: undefined,
  nics: undefined,
  xl: undefined,
  autostart: undefined,
  after: [],
  ready: undefined,
  shutdownMs: undefined,
  formerly: undefined,
  cloudInit: undefined,
  protect: false,
  rides: false,
  deleteDisks: false,
  budget: undefined,
  origin: { file: '', pointer: '' },
});

/** Why this one VM may not be deleted, or null where it may. */
export const mayDelete = (
  spec: VmSpec,
  found: Found,
  farm: Farm,
  observed: Observed,
  options: PlanOptions,
): Refusal | null => {
  const refuse = (code: ReasonCode, why: string, help: string | null): Refusal =>
    refusal(spec.key, `${spec.key} would be deleted`, { code, why, help });
  if (found.live.marker?.protect || spec.protect) {
    return refuse(
      'protected',
      'it is protected',
      farm.vms.some((v) => v.key === spec.key)
        ? `apply ${spec.key} with \`protect: false\` and without \`state: absent\` first`
        : `put ${spec.key} back into the file with \`protect: false\`, apply that, and take it out again`,
    );
  }
  if (found.live.marker === null) {
    return refuse(
      'not-ours',
      'it was neither made nor adopted by this farm',
      'declare it without `state: absent` and apply that first, or delete it by hand',
    );
  }
  if (options.targets.length > 0)
    return refuse('partial-run', 'a run that covers only part of the pool deletes nothing', 'leave out --target');
  const [elsewhere] = [...observed].flatMap(([name, s]) =>
    name !== found.server && !isUnknown(s) && s.domains.some((d) => d.uuid === found.uuid) ? [name] : [],
  );
  if (elsewhere !== undefined) {
    const why = `it runs on ${elsewhere}, and what is to go is an old cfg of it on ${found.server}`;
    return refuse('vm-elsewhere', why, 'put it back into the file and apply that first');
  }
  const [unread] = farm.pools
    .filter((p) => p.name === spec.pool || p.name === found.pool)
    .flatMap((p) => unreadIn(p, observed));
  if (unread !== undefined)
    return refuse(
      'server-unread',
      `${unread} of its pool could not be read`,
      'try again when every server of the pool answers',
    );
  return null;
};

/** How many VMs would be deleted, of how many. */
export interface Deletes {
  readonly count: number;
  readonly total: number;
}

/** Why so many at once may not be deleted, or null. The percentage counts from 20 VMs on. */
export const tooMany = (deletes: number, farm: Farm, total: number): string | null => {
  const { max, percent } = farm.policy.deletes;
  if (deletes > max) return `${deletes} VMs would be deleted; policy.deletes.max is ${max}`;
  if (total >= 20 && deletes * 100 > total * percent) {
    return `${deletes} of ${total} VMs would be deleted; policy.deletes.percent is ${percent}`;
  }
  return null;
};

/** What has left the file, in words: whether `--prune` deletes it. */
export const prunedText = (protect: boolean, farm: Farm): string => {
  if (protect) return 'ours, no longer in the file, and protected: --prune does not delete it';
  return farm.vms.length === 0
    ? 'ours, no longer in the file, which names no VM: --prune deletes nothing then'
    : 'ours, no longer in the file: --prune deletes it';
};

/** Of an empty file: most likely its VMs stand in a file that was not read. */
export const emptyPrune = (farm: Farm, { left }: Matched, prune: boolean): readonly string[] => {
  const ours = new Set(left.flatMap(({ marker }) => (marker?.farm === farm.name ? [marker.vm] : [])));
  if (!prune || farm.vms.length > 0 || ours.size === 0) return [];
  const all = ours.size === 1 ? 'the VM that has' : `the ${ours.size} VMs that have`;
  return [
    `--prune deletes nothing, since the file names no VM: that looks like a mistake. To delete ${all} left it, name each with \`state: absent\``,
  ];
};

/** What leaves the file is planned like `state: absent`, where `--prune` says so. An empty file prunes nothing. */
export const withPruned = (farm: Farm, found: Matched, prune: boolean): readonly { spec: VmSpec; found: Found }[] => {
  if (!prune || farm.vms.length === 0) return [];
  const known = new Set(farm.vms.map((v) => v.key));
  // Of one that is found twice the running one first; the other goes with the next run.
  const left = [...found.left].sort((a, b) => Number(b.live.domain !== null) - Number(a.live.domain !== null));
  return left.flatMap((f) => {
    const m = f.marker;
    if (m?.farm !== farm.name || known.has(m.vm)) return [];
    known.add(m.vm);
    return [{ spec: pruned(f, m.vm), found: f }];
  });
};
