// The bearer token. It is kept for this tab alone, and goes nowhere but into the header of requests to the edge.

const NAME = "nextapi-edge-token";

export function token(): string | null {
  return sessionStorage.getItem(NAME);
}

export function keepToken(text: string): void {
  sessionStorage.setItem(NAME, text);
}

export function dropToken(): void {
  sessionStorage.removeItem(NAME);
}
