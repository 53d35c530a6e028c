/** A reading that came upon what it did not look at is followed by one that does. */
import { isUnknown, type Unknown } from '../../core/port.ts';
import type { ServerSeen } from './live.ts';

/** `read`: with what is to be looked for besides. The second answer counts, whatever else it came upon. */
export const readTwice = async <T extends object>(
  read: (more: readonly string[]) => Promise<T | Unknown>,
  moreOf: (answer: T) => ServerSeen['more'],
): Promise<T | Unknown> => {
  const first = await read([]);
  const more = isUnknown(first) ? undefined : moreOf(first);
  return more === undefined || more.length === 0 ? first : read(more);
};
