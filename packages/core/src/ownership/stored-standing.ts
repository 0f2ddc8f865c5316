import { z } from 'zod'
import type { JsonValue } from '../json/json.ts'
import type { DomainStanding } from './continuity.ts'

const instant = z.iso.datetime().transform((text) => new Date(text))
const signals = z.object({
  nameServers: z.array(z.string()).optional(),
  certificateIssuer: z.string().optional(),
  certificateKey: z.string().optional(),
})

const storedStanding = z.object({
  era: z.int().min(1),
  eraSince: instant,
  lastSeenAt: instant,
  settled: signals,
  recent: z.object({ signals, since: instant, isTold: z.boolean(), isDoubtful: z.boolean() }).optional(),
  registration: z.object({ registeredAt: instant.optional(), expiresAt: instant.optional() }).optional(),
  absence: z.object({ from: instant, to: instant }).optional(),
  silenceSeconds: z.number().optional(),
})

/** A standing as JSON made of it has it (CHG-05); instants are texts there. Throws for anything else. */
export function standingOfDomain(stored: JsonValue): DomainStanding {
  return storedStanding.parse(stored)
}
