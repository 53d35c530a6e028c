/** What the schema fragments of the kinds share: their type, and the patterns of values that have a form of their own. */

/** The part of JSON Schema 2020-12 that the fragments use. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly minProperties?: number;
  readonly required?: readonly string[];
  readonly examples?: readonly unknown[];
}

/** `512MiB`; `core/quantity.ts` reads it. */
export const sizePattern = '^[0-9]+([.][0-9]+)? ?(KiB|MiB|GiB|TiB)$';
/** `60s`; `core/quantity.ts` reads it. */
export const durationPattern = '^[0-9]+([.][0-9]+)? ?(ms|s|m|h)$';
export const macPattern = '^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$';
export const uuidPattern = '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$';
export const sha256Pattern = '^[0-9a-f]{64}$';
/** What Xen calls disks, and partitions that are disks of their own; `hd` and `sd` of HVM guests are emulated IDE and SCSI disks. */
export const vdevPattern = '^(xvd[a-z]{1,2}([1-9][0-9]?)?|hd[a-d]([1-9]|[1-5][0-9]|6[0-3])?|sd[a-p]([1-9]|1[0-5])?)$';
/** CD drives are IDE. */
export const cdromPattern = '^hd[a-d]$';
/** A password is named, never written; the braces in it are those of a name pattern. */
export const secretPattern = '^[$][{](env|file):([^{}]|[{]n?[}])+[}]$';
/** What a VM's NICs are called in the file; the number is the place in the cfg. */
export const nicPattern = '^eth([0-9]|1[0-5])$';

/** Each fragment stands under `$defs` of the composed schema by this name. */
export const def = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

/** A map from names to what `item` describes. */
export const mapOf = (item: JsonSchema, description: string): JsonSchema => ({
  description,
  type: 'object',
  additionalProperties: item,
});

/** A map with exactly these keys. */
export const mapWith = (properties: Readonly<Record<string, JsonSchema>>, description: string): JsonSchema => ({
  description,
  type: 'object',
  additionalProperties: false,
  properties,
});

/** Of what stands at the top of the file and may serve some pools only. */
export const servedPools = {
  description: 'The pools that it serves; unset: all.',
  type: 'array',
  uniqueItems: true,
  minItems: 1,
  items: { type: 'string', minLength: 1 },
} satisfies JsonSchema;
