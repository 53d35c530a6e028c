/** Disks of a VM that its file had once and has again: what is made now is blank, and the old one lies unused beside it. */
import { disksFolder } from '../../kinds/repository/live.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import { usersIn } from '../../kinds/server/users.ts';
import type { Decision } from '../decide/decide.ts';

const keyOf = (server: string, uuid: string, vdev: string): string => `${server}\n${uuid}\n${vdev}`;

/** What its marker says of a disk that is there, by server, VM and vdev: only of those that are asked for. */
const markedFor = (wanted: ReadonlySet<string>, farm: string, observed: Observed): ReadonlyMap<string, string[]> => {
  const out = new Map<string, string[]>();
  for (const server of observed.keys())
    for (const [folder, store] of Object.entries(seenOn(observed, server)?.storage.stores ?? {}))
      for (const [name, { there, marker }] of store.is === 'there' ? Object.entries(store.disks) : []) {
        if (!there || marker === null || marker === 'odd' || marker.farm !== farm) continue;
        const key = keyOf(server, marker.uuid, marker.vdev);
        if (wanted.has(key)) out.set(key, [...(out.get(key) ?? []), `${disksFolder(folder)}/${name}`]);
      }
  return out;
};

/** Said of each disk that is made although an old one of the same VM and vdev is there, which nobody uses. */
export const unusedDisks = (decisions: readonly Decision[], farm: string, observed: Observed): readonly string[] => {
  const makes = decisions.flatMap(({ spec, server, transition: t }) =>
    (t?.make ?? []).map(({ vdev }) => ({ vm: spec.key, vdev, key: keyOf(server, t?.want.uuid ?? '', vdev) })),
  );
  const marked = markedFor(new Set(makes.map((m) => m.key)), farm, observed);
  if (marked.size === 0) return [];
  const users = usersIn(observed);
  return makes.flatMap(({ vm, vdev, key }) => {
    const idle = (marked.get(key) ?? []).filter((path) => users.of(path).length === 0).sort();
    const [first] = idle;
    if (first === undefined) return [];
    return [
      `${vm}: disk ${vdev} is made anew, and its old one lies unused: ${idle.join(', ')}. Write \`${vdev}: { adopt: ${first} }\` to use it again`,
    ];
  });
};
