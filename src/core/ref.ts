/** How one thing of the farm is named: its kind and its name. */

export type KindName = 'farm' | 'pool' | 'server' | 'repository' | 'network' | 'image' | 'disk' | 'vm';

export interface Ref<K extends KindName = KindName> {
  readonly kind: K;
  readonly name: string;
}

export const ref = <K extends KindName>(kind: K, name: string): Ref<K> => ({ kind, name });

/** `vm/web-1`: the form that plans, events and messages print, and that maps are keyed by. */
export const refKey = (r: Ref): string => `${r.kind}/${r.name}`;
