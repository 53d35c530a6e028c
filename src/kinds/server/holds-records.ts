/** Whether a condition on a server's cfgs and on the links that start them at boot holds, and where it does not, why. */
import type { Condition } from '../../core/step.ts';
import type { ServerSeen } from './live.ts';

type Of<Is extends Condition['is']> = Extract<Condition, { readonly is: Is }>;

const isRecord = ({ path, digest }: Of<'record'>, { records }: ServerSeen): true | string => {
  const record = records.find((r) => r.path === path);
  if (digest === 'absent') return record === undefined || `${path} is there`;
  if (!record) return `${path} is not there`;
  return record.digest === digest || `${path} is not what was expected: it was edited meanwhile`;
};

const starts = ({ path, link, via, gone }: Of<'autostart'>, { records }: ServerSeen): true | string => {
  const record = records.find((r) => r.path === path);
  const links = record?.autostart ?? [];
  if (!links.includes(link)) return `${link} does not lead to ${path}`;
  if (via !== null && record?.via !== via) return `${link} does not lead over ${via} to ${path}`;
  const left = links.find((l) => gone.includes(l));
  return left === undefined || `${left} still leads to ${path}`;
};

export const isKept = (c: Of<'record' | 'autostart' | 'no-autostart'>, seen: ServerSeen): true | string => {
  switch (c.is) {
    case 'record':
      return isRecord(c, seen);
    case 'autostart':
      return starts(c, seen);
    case 'no-autostart': {
      const links = seen.records.find((r) => r.path === c.path)?.autostart ?? [];
      return links.length === 0 || `${c.path} is still started at boot: ${links.join(', ')}`;
    }
  }
};
