/** The UUID of a store, made when it is first attached. */
import { v5 } from 'uuid';

const namespace = '0b1d6a54-2a8e-5a1c-9a30-6b8e4b0f7c11';

/**
 * Made from the server that first attaches it and that server's present life: two stores of one name, marked by two servers
 * or at two times, differ in it, and planning needs no dice.
 */
export const deriveStoreUuid = (farm: string, repository: string, server: string, bootId: string): string =>
  v5([farm, repository, server, bootId].join('\n'), namespace);
