/** Which operations on images and disks run beside those of VMs, and what waits for them. */
import { effectsOf } from '../../kinds/operations.ts';
import { pathsOfConfig } from '../../kinds/server/users.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import type { ImagePlan } from '../storage/images.ts';
import type { Removal } from '../storage/disk-removals.ts';
import type { Chain, Node, Edge } from '../model/operation-graph.ts';
import { type Roof, roofOver } from '../model/path-availability.ts';

interface Scene {
  readonly images: ImagePlan;
  readonly removals: readonly Removal[];
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
  readonly overhead: Overhead;
}

/** What uses an image, or a path beneath a repository, waits until that is there. */
export const roofEdges = (chains: readonly Chain[], d: Scene): readonly Edge[] =>
  chains.flat().flatMap(({ id, op }) => {
    const roofs = d.roofs.get(op.server);
    const needed = effectsOf(op, d.overhead).flatMap((e) =>
      e.fx === 'needs' && e.ref.kind === 'image' ? [e.ref.name] : [],
    );
    // What a cfg names is fetched even where the VM is not started now: a person may start it.
    const named =
      op.verb === 'define' ? pathsOfConfig(op.record.config).filter((p) => roofs?.some((r) => r.path === p)) : [];
    return [...needed, ...named].flatMap((path) => {
      const roof = roofOver(roofs, path);
      return roof?.is === 'coming' ? [[id, roof.after] as const] : [];
    });
  });

/** Images that are wanted whoever needs them, and those that something needs. */
export const fetchesFor = (edges: readonly Edge[], d: Scene): readonly Node[] => {
  const wanted = new Set([...d.images.always, ...edges.map(([, needs]) => needs)]);
  return [...d.images.fetches].flatMap(([id, node]) => (wanted.has(id) ? [node] : []));
};

/** A disk goes with what its VM's cfg comes to, or not at all. */
export const removalsFor = (chains: ReadonlyMap<string, Chain>, d: Scene): readonly Removal[] => {
  const ids = new Set([...chains.values()].flat().map((n) => n.id));
  return d.removals.filter(({ after, before }) => [after, before].every((id) => id === null || ids.has(id)));
};

/** What waits for a disk to go waits with all that is done before it: a VM is down before it loses one. */
export const removalEdges = (removals: readonly Removal[], chains: ReadonlyMap<string, Chain>): readonly Edge[] => {
  const ahead = new Map([...chains.values()].flatMap((c) => c.map((n, i) => [n.id, c[i - 1]?.id ?? null] as const)));
  return removals.flatMap(({ node, after, before }): Edge[] => {
    const first = before === null ? after : (ahead.get(before) ?? after);
    return [
      ...(first === null ? [] : [[node.id, first] as const]),
      ...(before === null ? [] : [[before, node.id] as const]),
    ];
  });
};
