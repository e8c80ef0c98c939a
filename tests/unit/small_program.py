"""The smallest program that is forked: what it is ordered to do is nothing."""

from tests.engines.forking import serve

if __name__ == "__main__":
    serve(lambda order, files: None)
