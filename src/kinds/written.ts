/** Names of what the file holds and no plan: texts for cloud-init, and queries of URLs. Their values travel beside the farm. */
import type { ImageSpec } from './image/spec.ts';
import type { CloudInit } from './vm/spec.ts';

/** `vms/web/cloudInit/userData`; no reference of a file looks like it. */
export const inlineText = (vm: string, part: keyof CloudInit): string => `vms/${vm}/cloudInit/${part}`;

/** `templates/debian/source`: what stands in its URL from the `?` on. */
export const queryName = ({ what, name }: Pick<ImageSpec, 'what' | 'name'>): string => `${what}s/${name}/source`;
