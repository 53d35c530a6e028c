/** What must be true when a decision has been carried out, for the verifier. */
import type { Change } from '../../core/change.ts';
import type { Decision } from '../decide/decide.ts';
import type { Goal } from './verify.ts';

/** What no layer of an operation's effects speaks of: the replay cannot tell it. */
const unseen = ({ field }: Change, layer: Goal['layer']): boolean =>
  field === 'protect' ||
  field === 'autostart.link' ||
  field.endsWith('.password') ||
  (field.startsWith('xl.') && layer === 'running');

/** Servers know NICs by MAC, and say nothing else of them than their bridge. */
const goal = (x: Decision, layer: Goal['layer'], change: Change): readonly Goal[] => {
  if (unseen(change, layer)) return [];
  const vm = x.spec.key;
  const want = change.want.is === 'value' ? change.want.value : undefined;
  if (change.field.startsWith('disks.') && want !== undefined) {
    const { path, access, format } = want as { path: string; access: string; format: string };
    return [{ vm, layer, field: change.field, value: { path, access, format } }];
  }
  if (!change.field.startsWith('nics.')) return [{ vm, layer, field: change.field, value: want }];
  const nic = want as { mac: string; bridge: string } | undefined;
  const had = [change.have.configured, change.have.running].flatMap((s) =>
    s.is === 'value' ? [s.value as { mac: string | null }] : [],
  );
  return [
    ...(nic ? [{ vm, layer, field: `nics.${nic.mac}`, value: { bridge: nic.bridge } }] : []),
    // One that had no MAC in the cfg has no name there, and others may have none either.
    ...had
      .filter((h) => h.mac !== null && h.mac !== nic?.mac)
      .map((h) => ({ vm, layer, field: `nics.${h.mac}`, value: undefined })),
  ];
};

export const goalsOf = (x: Decision): readonly Goal[] => {
  const t = x.transition;
  if (!t) return [];
  const vm = x.spec.key;
  const down = t.state === 'stop' || t.state === 'delete';
  const goals: Goal[] = [];
  if (t.state !== null) {
    goals.push({ vm, layer: 'running', field: 'state', value: down ? undefined : t.want.state });
  }
  // The links of a place that is left go with the cfg there, and no operation says so.
  const leaves = ({ field }: Change): boolean =>
    field === 'autostart' && t.journey !== null && t.want.autostart !== true;
  for (const { change, way } of t.take) {
    if (!leaves(change)) goals.push(...goal(x, 'configured', change));
    if (!down && way.how !== 'configure') goals.push(...goal(x, 'running', change));
  }
  for (const change of t.defer) goals.push(...goal(x, 'configured', change));
  return goals;
};
