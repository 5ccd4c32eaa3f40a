# Debian packages that a target needs and a folder of the project cannot hold.
#
# $(call debian,PACKAGES,TEST) as a line of a recipe: does nothing if TEST, a shell command, passes. Otherwise
# root gets the packages installed, and is told which; anybody else is told the command, and make stops.
define debian
@{ $(2); } >/dev/null 2>&1 || { \
	if test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null; then \
		printf '%s\n' 'Missing packages: $(1)' 'On Debian: sudo apt-get install $(1)' >&2; exit 1; \
	fi; \
	echo 'Installing Debian packages: $(1)'; \
	apt-get update && apt-get install --yes --no-install-recommends $(1); \
}
endef
