/** What changed under a plan since it was made: which object, what it was, and what it is. */
import { byText } from '../../core/order.ts';
import { isUnknown, unreadCode } from '../../core/port.ts';
import type { ReasonCode } from '../../core/reason.ts';
import type { Plan, PlanFacts } from '../../kinds/plan.ts';
import type { Observed } from '../../kinds/server/live.ts';
import { factsOf } from './facts.ts';

export interface Difference {
  readonly subject: string;
  readonly server: string;
  readonly code: ReasonCode;
  readonly why: string;
}

/** A digest says nothing to a person but that it is another. */
const isDigest = (text: string): boolean => /^(?:sha256:)?[0-9a-f]{64}$/.test(text);

const change = (part: string, was: string | undefined, is: string | undefined): string => {
  if (was === undefined) return is === undefined || isDigest(is) ? `${part} is new` : `${part} is new: ${is}`;
  if (is === undefined) return isDigest(was) ? `${part} is gone` : `${part} is gone: it was ${was}`;
  return isDigest(was) || isDigest(is) ? `${part} was changed` : `${part} was ${was}, is ${is}`;
};

/** In words, by part; empty where nothing did. */
const changes = (was: PlanFacts, is: PlanFacts): readonly string[] =>
  [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .sort(byText)
    .flatMap((part) => (was[part] === is[part] ? [] : [change(part, was[part], is[part])]));

/** What changed under the plan since it was made; empty where it may run. Other drift does not matter. */
export const stale = (plan: Plan, observed: Observed): readonly Difference[] =>
  plan.touched.flatMap((t): Difference[] => {
    const seen = observed.get(t.server);
    if (!seen || isUnknown(seen)) {
      const why = `${t.server} could not be read again${seen ? `: ${seen.why}` : ''}`;
      return [{ subject: t.name, server: t.server, code: unreadCode(seen), why }];
    }
    const parts = changes(t.seen, factsOf(t.subject, seen, t.uuid, t.name));
    if (parts.length === 0) return [];
    const why = `${t.name} on ${t.server}: ${parts.join('; ')}`;
    return [{ subject: t.name, server: t.server, code: 'object-changed', why }];
  });
