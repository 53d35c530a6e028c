/** UUIDs and MACs, derived once from what never changes, and then kept. */
import { v5 } from 'uuid';
import { digestText } from '../../core/digest.ts';

/** Reeve's own namespace for UUIDv5. */
const namespace = '6f0e3c1a-7d0a-5b53-9d1d-7a1c0b7f5e21';

export const deriveUuid = (farm: string, vm: string): string => v5(`${farm}/${vm}`, namespace);

/** A locally administered unicast address from a hash of where it belongs. */
export const deriveMac = (farm: string, vm: string, nic: string): string => {
  const hash = digestText(`${farm}/${vm}/${nic}`);
  return `02:${hash.slice(0, 10).match(/../g)?.join(':') ?? ''}`;
};
