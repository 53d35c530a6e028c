/** What a person approved of a plan, by class: what is touched, and how badly at the most; so that a later plan may be held to it. */
import { disruptions, isDisruption, severity, worst, type Disruption } from '../core/disruption.ts';
import { byText, groupBy } from '../core/order.ts';
import { isServerOp, isVmOp } from './operations.ts';
import type { Plan } from './plan.ts';

/** What no class of disruption says: a cfg or a store goes, a disk goes, a server is powered off. */
const deeds = ['delete', 'lose', 'fence'] as const;
type Deed = (typeof deeds)[number];

export interface Approval {
  /** By subject: a VM's key, else `repository/ams1/vmstore`. */
  readonly harm: ReadonlyMap<string, Disruption>;
  /** By deed: whom it is done to. */
  readonly deeds: Readonly<Record<Deed, ReadonlySet<string>>>;
}

/** As it stands in the text of an approval, which has blanks and commas between names. */
const word = (name: string): string => name.replaceAll(/[^A-Za-z0-9._/@+-]/gu, encodeURIComponent);

export const approvalOf = (plan: Plan): Approval => {
  const harm = new Map<string, Disruption>();
  const add = (subject: string, d: Disruption): void => {
    harm.set(word(subject), worst([harm.get(word(subject)) ?? 'none', d]));
  };
  for (const { op, target, disruption } of plan.operations) {
    // What servers write down of each other goes along with whatever needs it.
    if (isServerOp(op) && disruption === 'none') continue;
    add(isVmOp(op) ? target.name : `${target.kind}/${target.name}`, disruption);
  }
  for (const v of plan.vms) if (v.operations.length > 0) add(v.subject.name, v.disruption);
  return {
    harm,
    deeds: {
      delete: new Set([
        ...plan.vms.flatMap((v) => (v.action === 'delete' ? [word(v.subject.name)] : [])),
        ...plan.repositories.flatMap((r) =>
          r.action === 'erase' || r.action === 'detach' ? [word(r.subject.name)] : [],
        ),
      ]),
      lose: new Set(
        plan.operations.flatMap(({ op }) => (op.verb === 'delete-disk' && op.copied === null ? [word(op.disk)] : [])),
      ),
      fence: new Set(plan.fences.map((f) => word(f.server))),
    },
  };
};

/** `restart=web-1 live=db-1,db-2 delete=old`: worst first; '' where nothing is touched. */
export const approvalText = ({ harm, deeds: done }: Approval): string => {
  const byClass = groupBy([...harm], ([, d]) => d);
  const part = (name: string, subjects: readonly string[]): readonly string[] =>
    subjects.length === 0 ? [] : [`${name}=${[...subjects].sort(byText).join(',')}`];
  return [
    ...disruptions.toReversed().flatMap((d) =>
      part(
        d,
        (byClass.get(d) ?? []).map(([subject]) => subject),
      ),
    ),
    ...deeds.flatMap((d) => part(d, [...done[d]])),
  ].join(' ');
};

const isDeed = (text: string): text is Deed => (deeds as readonly string[]).includes(text);

/** Null where it is no text of `approvalText`. */
export const parseApproval = (text: string): Approval | null => {
  const harm = new Map<string, Disruption>();
  const done: Record<Deed, Set<string>> = { delete: new Set(), lose: new Set(), fence: new Set() };
  for (const part of text.split(' ').filter((p) => p !== '')) {
    const [name = '', list = '', ...more] = part.split('=');
    const subjects = list.split(',');
    if (more.length > 0 || subjects.includes('')) return null;
    if (isDisruption(name)) for (const s of subjects) harm.set(s, worst([harm.get(s) ?? 'none', name]));
    else if (isDeed(name)) for (const s of subjects) done[name].add(s);
    else return null;
  }
  return { harm, deeds: done };
};

const deedWords: Readonly<Record<Deed, string>> = {
  delete: 'would be deleted or detached',
  lose: 'is a disk that would be lost',
  fence: 'would have to be down',
};

/** What of `now` was not approved, in words; empty: it is covered. */
export const beyond = (now: Approval, approved: Approval): readonly string[] => [
  ...[...now.harm].flatMap(([subject, d]) => {
    const most = approved.harm.get(subject);
    if (most === undefined) return [`${subject} would be touched (${d})`];
    return severity(d) > severity(most) ? [`${subject}: ${d} instead of ${most}`] : [];
  }),
  ...deeds.flatMap((deed) =>
    [...now.deeds[deed]].flatMap((s) => (approved.deeds[deed].has(s) ? [] : [`${s} ${deedWords[deed]}`])),
  ),
];
